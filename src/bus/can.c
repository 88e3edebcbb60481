/* can.c - see can.h and spec/can.md. */
#include "cadmus/can.h"

#include <errno.h>
#include <string.h>

enum { PRIORITY_AT = 26, CLASS_AT = 21, NODE_AT = 13 };

#define CRC_POLYNOMIAL 0x2fu

/* The class of a message is also its urgency, so one number gives both. */
uint32_t cdm_can_id(enum cdm_can_kind kind, uint8_t node, uint16_t field) {
	return (uint32_t)kind << PRIORITY_AT | (uint32_t)kind << CLASS_AT | (uint32_t)node << NODE_AT |
			(field & CDM_CAN_FIELD_MAX);
}

static uint8_t crc_byte(uint8_t crc, uint8_t byte) {
	unsigned c = crc ^ byte;
	for (int i = 0; i < 8; i++)
		c = c & 0x80u ? (c << 1 ^ CRC_POLYNOMIAL) & 0xffu : c << 1;
	return (uint8_t)c;
}

uint8_t cdm_can_crc(uint32_t id, const uint8_t data[8]) {
	uint8_t crc = 0xff;
	for (int i = 0; i < 4; i++)
		crc = crc_byte(crc, (uint8_t)(id >> (8 * i)));
	for (int i = 0; i < 8; i++)
		if (i != 6) /* where the CRC itself stands */
			crc = crc_byte(crc, data[i]);
	return crc ^ 0xff;
}

int cdm_can_encode(const struct cdm_can *m, struct cdm_frame *f) {
	if (m->kind >= CDM_CAN_KINDS || m->field > CDM_CAN_FIELD_MAX || m->counter >= CDM_CAN_COUNTERS ||
			m->flags > 15)
		return -EINVAL;
	uint16_t value = (uint16_t)m->value;
	memset(f, 0, sizeof(*f));
	f->id = cdm_can_id((enum cdm_can_kind)m->kind, m->node, m->field);
	f->flags = CDM_FRAME_EXTENDED;
	f->length = 8;
	f->data[0] = (uint8_t)m->motion;
	f->data[1] = (uint8_t)(m->motion >> 8);
	f->data[2] = (uint8_t)value;
	f->data[3] = (uint8_t)(value >> 8);
	f->data[4] = m->rate;
	f->data[5] = m->lease;
	f->data[7] = (uint8_t)(m->counter | m->flags << 4);
	f->data[6] = cdm_can_crc(f->id, f->data);
	return 0;
}

int cdm_can_decode(const struct cdm_frame *f, struct cdm_can *m) {
	unsigned kind = f->id >> CLASS_AT & 31u;
	if (f->flags != CDM_FRAME_EXTENDED || f->length != 8 || f->id >= 1u << 29 ||
			kind >= CDM_CAN_KINDS || f->id >> PRIORITY_AT != kind)
		return -EPROTO;
	if (cdm_can_crc(f->id, f->data) != f->data[6])
		return -EBADMSG;
	*m = (struct cdm_can){
		.kind = (uint8_t)kind,
		.node = (uint8_t)(f->id >> NODE_AT),
		.field = (uint16_t)(f->id & CDM_CAN_FIELD_MAX),
		.motion = (uint16_t)(f->data[0] | f->data[1] << 8),
		.value = (int16_t)(uint16_t)(f->data[2] | f->data[3] << 8),
		.rate = f->data[4],
		.lease = f->data[5],
		.counter = f->data[7] & 15u,
		.flags = f->data[7] >> 4,
	};
	return 0;
}

bool cdm_can_is_estop(const struct cdm_frame *f) {
	return f->flags & CDM_FRAME_EXTENDED && f->id < 1u << CLASS_AT;
}

void cdm_can_set_pose(struct cdm_can *m, struct cdm_can_pose p) {
	uint16_t heading = (uint16_t)p.heading_cdeg;
	m->motion = (uint16_t)p.x_mm;
	m->value = p.y_mm;
	m->rate = (uint8_t)heading;
	m->lease = (uint8_t)(heading >> 8);
}

struct cdm_can_pose cdm_can_get_pose(const struct cdm_can *m) {
	return (struct cdm_can_pose){
		.x_mm = (int16_t)m->motion,
		.y_mm = m->value,
		.heading_cdeg = (int16_t)(uint16_t)(m->rate | m->lease << 8),
	};
}

bool cdm_can_in_order(struct cdm_can_order *o, uint8_t counter) {
	bool good = o->known && o->next == counter;
	o->known = true;
	o->next = (uint8_t)((counter + 1u) % CDM_CAN_COUNTERS);
	return good;
}
