#ifndef BASE_ENCODING_H
#define BASE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes written as text: hexadecimal and base64. */

/* Small digits; text has room for two a byte and the end.  Returns text. */
const char *hex_encode(const void *data, size_t size, char *text);

/* Strict decoders: false, with out undefined, for any other length or alphabet.  base64 takes padded standard base64 and
 * sets *size; room is the size of out. */
bool hex_decode(const char *text, size_t length, uint8_t *out, size_t size);
bool base64_decode(const char *text, size_t length, uint8_t *out, size_t room, size_t *size);

#endif
