/*
 * mp_json.h - a MessagePack message as a JSON value.
 *
 * Pure: bytes in, a value out.  Any thread.
 */
#ifndef GATEWAYS_MP_JSON_H
#define GATEWAYS_MP_JSON_H

#include <jansson.h>
#include <stddef.h>

/*
 * One value that fills all of `bytes`; the caller's.  NULL: broken, nested deeper than MP_DEPTH_MAX, a map
 * with keys that are no strings, or no memory.  What JSON cannot say becomes null: binary, numbers
 * that are not finite or above INT64_MAX, strings that are not UTF-8.
 */
json_t *mp_json(const void *message, size_t bytes);

#endif
