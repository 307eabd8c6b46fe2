#ifndef BASE_JSON_PATH_H
#define BASE_JSON_PATH_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Looking at a webhook by path: keys between points, with [] behind the key of an array for each of
 * its elements, as in course_order.course_order_items[].course.name.
 */
#define JSON_PATH_KEY 128 /* The room for one key. */

bool json_path_valid(const char *path);

/*
 * Ask test() about every place the path leads to, until it says true; the result says whether it
 * did.  A place where nothing or null stands is asked about as NULL.  An array without elements has
 * no places.
 */
typedef bool json_path_test(const json_t *value, void *arg);
bool json_path_any(const json_t *from, const char *path, json_path_test *test, void *arg);

/*
 * A plain value as a new, trimmed text: "true", "12", "0.5", "abc"; NULL for NULL, null, an object
 * or an array.  A real is the shortest text that means the same, and 12 where it is 12.0.
 */
char *json_path_text(const json_t *value);

#endif
