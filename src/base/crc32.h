/* crc32.h - CRC-32 of IEEE 802.3 (as in zip, PNG, gzip and MCAP): against damage, not against people. */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The sum of what `crc` is the sum of, and then of `data`; begin with 0. */
uint32_t crc32_of(uint32_t crc, const void *data, size_t bytes);

#endif
