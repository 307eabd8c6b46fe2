#ifndef BASE_ENCODING_H
#define BASE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes written as text: hexadecimal and base64. */

/* Small digits; text has room for two a byte and the end.  Returns text. */
const char *encoding_to_hex(const void *data, size_t size, char *text);

/*
 * Strict decoders: false, with out undefined, for any other length or alphabet.  base64 takes
 * padded standard base64 and sets *size; room is the size of out.
 */
bool encoding_from_hex(const char *text, size_t length, uint8_t *out, size_t size);
bool encoding_from_base64(const char *text, size_t length, uint8_t *out, size_t room, size_t *size);

/*
 * The key in a webhook secret, as Standard Webhooks take it: base64 after "whsec_", else the text's
 * own bytes.
 *
 * False when there is none: no base64, nothing in it, or more than ENCODING_WEBHOOK_KEY_MAX bytes.
 * The specification recommends 24 to 64.
 */
#define ENCODING_WEBHOOK_KEY_MAX 1024
bool encoding_webhook_key(
    const char *secret, uint8_t key[static ENCODING_WEBHOOK_KEY_MAX], size_t *size);

#endif
