/*
 * mcap.h - what is in an MCAP file, for those who write and those who read one.
 *
 * MCAP (mcap.dev) is a container of messages with times, as robotics tools exchange them: messages belong to
 * channels, channels may have a schema, messages lie in chunks that are compressed one by one, and a summary at the
 * end says where everything is.  Version 0 of the format.
 *
 * Times are nanoseconds since an epoch that writer and reader agree on; ours is that of the calendar.
 */
#ifndef MCAP_MCAP_H
#define MCAP_MCAP_H

#include <stddef.h>
#include <stdint.h>

#define MCAP_MAGIC "\x89MCAP0\r\n" /* at both ends of a file */
#define MCAP_MAGIC_BYTES 8u
#define MCAP_HEAD_BYTES 9u         /* of a record: opcode, and the length of what follows */
#define MCAP_IDS_MAX 65535u        /* of schemas, and of channels */

enum mcap_opcode {
	MCAP_HEADER = 1,
	MCAP_FOOTER,
	MCAP_SCHEMA,
	MCAP_CHANNEL,
	MCAP_MESSAGE,
	MCAP_CHUNK,
	MCAP_MESSAGE_INDEX,
	MCAP_CHUNK_INDEX,
	MCAP_ATTACHMENT,
	MCAP_ATTACHMENT_INDEX,
	MCAP_STATISTICS,
	MCAP_METADATA,
	MCAP_METADATA_INDEX,
	MCAP_SUMMARY_OFFSET,
	MCAP_DATA_END,
};

struct mcap_pair {
	const char *key, *value;
};

/* What a message of a channel looks like; data is of `encoding`: "protobuf", "jsonschema" ... */
struct mcap_schema {
	uint16_t id; /* from 1 on */
	const char *name, *encoding;
	const void *data;
	uint32_t bytes;
};

struct mcap_channel {
	uint16_t id;
	uint16_t schema;      /* 0: none */
	const char *topic;
	const char *encoding; /* of its messages: "protobuf", "json" ... */
	const struct mcap_pair *pairs; /* metadata */
	uint32_t pair_count;
};

struct mcap_message {
	uint16_t channel;
	uint32_t sequence;    /* whatever the publisher numbers them by */
	uint64_t log_ns;      /* when it was recorded */
	uint64_t publish_ns;  /* when it was published */
	const void *data;
	size_t bytes;
};

struct mcap_attachment {
	const char *name, *media_type;
	uint64_t log_ns, create_ns; /* create_ns 0: unknown */
	const void *data;
	uint64_t bytes;
};

struct mcap_metadata {
	const char *name;
	const struct mcap_pair *pairs;
	uint32_t pair_count;
};

#endif
