/*
 * Texts that are shown otherwise than they were written.
 */
#ifndef SANDBOX_WEAR_H
#define SANDBOX_WEAR_H

#include <jansson.h>

#include "settings.h"

/* Change the names, texts and values of an entity that is about to be shown, as the settings say. */
void wear_texts(const struct settings *settings, json_t *shown);

#endif
