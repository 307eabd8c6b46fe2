#ifndef BASE_WEBHOOK_KEY_H
#define BASE_WEBHOOK_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The key in a webhook secret, as Standard Webhooks take it: base64 after "whsec_", else the text's own bytes.
 *
 * False when there is none: no base64, nothing in it, or more than WEBHOOK_KEY_MAX bytes.  Those who recommend a length
 * recommend 24 to 64.
 */
#define WEBHOOK_KEY_MAX 1024
bool webhook_key(const char *secret, uint8_t key[static WEBHOOK_KEY_MAX], size_t *size);

#endif
