/* json.h - one JSON value on standard output, and control replies as JSON. */
#ifndef CADMUS_JSON_H
#define CADMUS_JSON_H

#include <jansson.h>
#include <stddef.h>
#include "cadmus/types.h"

/* Print, end the line, and let go of `j`.  0; 1 after explaining: it is NULL, as a text that is not UTF-8 makes it. */
int json_print(json_t *j);
/* One line, for streams of values, and written out; < 0: it could not be. */
int json_print_line(json_t *j);
/* A text of others: "?" where it is not UTF-8. */
json_t *json_text(const char *s);
/* For people: each text in it is one line that moves no terminal; as output_clean() makes them. */
void json_clean(json_t *j);
/* The shortest decimal number that is this float: 0.9, not 0.89999997615814209. */
json_t *json_f32(float v);
/* A MessagePack value as JSON (binary as hex); NULL when it is broken or too deep. */
json_t *json_from_msgpack(const void *bytes, size_t count);
/* A sample's elements: a number, an array, or {"bytes": n} when there are more than `max`. */
json_t *json_of_sample(enum cdm_dtype t, const void *data, size_t bytes, size_t max);
double json_element(enum cdm_dtype t, const void *data, size_t index);

#endif
