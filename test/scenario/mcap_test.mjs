// mcap_test.mjs PEER FOLDER [CADMUS] - files of src/mcap read by @mcap/core, and its files by ours; with CADMUS also
// the recordings in that folder, and what it makes of them again; by mcap_test.sh.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { McapIndexedReader, McapStreamReader, McapWriter } from '@mcap/core';
import { decompress as unpack } from 'fzstd';
import { compress, init } from '@bokuweb/zstd-wasm';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';

const [peer, folder, cadmus] = process.argv.slice(2);
const wanted = cadmus && JSON.parse(await readFile(`${folder}/published.json`)); // of the machine with all types
await init();

// fzstd is another implementation of zstd than the one that packed.
const decompressHandlers = { zstd: (data, size) => {
	const out = unpack(data);
	assert.equal(BigInt(out.length), size);
	return out;
} };

async function step(name, run) {
	await run();
	console.log(`ok  ${name}`);
}

/* ---- ours, read by theirs ---- */

async function indexed(path, args = {}) {
	const file = await open(path);
	const readable = {
		size: async () => BigInt((await file.stat()).size),
		read: async (offset, length) => {
			const buffer = new Uint8Array(Number(length));
			const { bytesRead } = await file.read(buffer, 0, Number(length), Number(offset));
			assert.equal(bytesRead, Number(length));
			return buffer;
		},
	};
	try {
		const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers });
		const messages = [], attachments = [], metadata = [];
		for await (const m of reader.readMessages({ validateCrcs: true, ...args })) messages.push(m);
		for await (const a of reader.readAttachments({ validateCrcs: true })) attachments.push(a);
		for await (const m of reader.readMetadata()) metadata.push(m);
		return { reader, messages, attachments, metadata };
	} finally {
		await file.close();
	}
}

// In pieces of all sizes, as a network would bring them.
function stream(bytes) {
	const reader = new McapStreamReader({ decompressHandlers, validateCrcs: true, includeChunks: true }), records = [];
	for (let at = 0, n = 1; at < bytes.length; at += n, n = n * 3 % 65521) {
		reader.append(bytes.subarray(at, at + n));
		for (let record; (record = reader.nextRecord());) records.push(record);
	}
	return { reader, records };
}

async function streamed(path) {
	const { reader, records } = stream(await readFile(path));
	assert(reader.done() && reader.bytesRemaining() === 0);
	return records;
}

function expected(i) {
	const data = new Uint8Array(i * 7919 % 300).map((_, k) => i + k * (i % 5));
	return { channelId: 1 + i % 3, sequence: i, logTime: BigInt(1000 + (i >> 1)), publishTime: BigInt(i), data };
}

function sameMessage(m, want) {
	for (const key of ['channelId', 'sequence', 'logTime', 'publishTime']) assert.equal(m[key], want[key], key);
	assert(Buffer.from(m.data).equals(Buffer.from(want.data)));
}

async function ours(chunk, compression, count) {
	const path = `${folder}/ours.mcap`;
	execFileSync(peer, ['write', path, chunk, compression, count]);
	const { reader, messages, attachments, metadata } = await indexed(path);
	assert.equal(reader.header.profile, 'test');
	assert.equal(messages.length, count);
	// which of those of one time comes first is the reader's choice
	messages.sort((a, b) => a.sequence - b.sequence).forEach((m, i) => sameMessage(m, expected(i)));
	assert.equal(reader.statistics.messageCount, BigInt(count));
	assert.equal(reader.statistics.chunkCount, reader.chunkIndexes.length);
	assert.deepEqual([...reader.channelsById.values()].map(c => c.topic), ['one', 'two', 'three']);
	assert.equal(reader.channelsById.get(1).metadata.get('unit'), 'm');
	assert.equal(Buffer.from(reader.schemasById.get(1).data).toString(), '{}');
	assert.deepEqual(attachments.map(a => [a.name, Buffer.from(a.data).toString()]), [['plan', 'PLAN']]);
	assert.deepEqual(metadata.map(m => [m.name, m.metadata.get('state')]), [['recording', 'COMPLETE']]);
	const some = await indexed(path, { topics: ['two'], startTime: 1010n, endTime: 1020n });
	assert.deepEqual(some.messages.map(m => m.sequence), messages.map(m => m.sequence)
		.filter(i => i % 3 === 1 && i >> 1 >= 10 && i >> 1 <= 20));
	const records = await streamed(path);
	records.filter(r => r.type === 'Message').forEach((m, i) => sameMessage(m, expected(i)));
	for (const type of ['Header', 'DataEnd', 'Statistics', 'Footer'])
		assert.equal(records.filter(r => r.type === type).length, 1, type);
	assert.equal(records.filter(r => r.type === 'ChunkIndex').length, records.filter(r => r.type === 'Chunk').length);
	assert.equal(records.filter(r => r.type === 'SummaryOffset').length, 6);
}

/* ---- theirs, read by ours ---- */

const write = { zstd: data => ({ compression: 'zstd', compressedData: compress(Buffer.from(data), 3) }), plain: undefined,
	lz4: data => ({ compression: 'lz4', compressedData: data }) };

async function theirs(options, compression, count) {
	const parts = [];
	let size = 0n;
	const writable = { position: () => size, write: async part => { parts.push(part.slice()); size += BigInt(part.length); } };
	const writer = new McapWriter({ writable, compressChunk: write[compression], ...options });
	await writer.start({ profile: 'p', library: 'theirs' });
	const schemaId = await writer.registerSchema({ name: 's', encoding: 'jsonschema', data: Buffer.from('{"type":"object"}') });
	const ids = [];
	for (const topic of ['a', 'b/\u00e9', 'c'])
		ids.push(await writer.registerChannel({ topic, schemaId: topic === 'c' ? 0 : schemaId, messageEncoding: 'json',
			metadata: new Map([['topic', topic]]) }));
	const sent = [];
	for (let i = 0; i < count; i++) {
		const m = { ...expected(i), channelId: ids[i % 3], logTime: BigInt(5000 + (i * 37) % 400) }; // not in order
		sent.push(m);
		await writer.addMessage(m);
	}
	await writer.addAttachment({ name: 'n', mediaType: 'text/plain', logTime: 7n, createTime: 0n, data: Buffer.from('hello') });
	await writer.addMetadata({ name: 'm', metadata: new Map([['k', 'v'], ['', '']]) });
	await writer.end();
	await writeFile(`${folder}/theirs.mcap`, Buffer.concat(parts));
	return sent;
}

const output = (...command) => execFileSync(command[0], command.slice(1), { encoding: 'utf8', maxBuffer: 1 << 28,
	stdio: ['ignore', 'pipe', 'pipe'] }).trim().split('\n');
const read = (...how) => output(peer, 'read', `${folder}/theirs.mcap`, ...how).map(line => JSON.parse(line));

function sameFile(records, sent, scanned) {
	const of = sort => records.filter(r => r.record === sort);
	const [info] = of('info'), messages = of('message');
	assert.equal(info.messages, sent.length);
	assert.deepEqual([info.library, info.whole, info.scanned], ['theirs', true, scanned]);
	assert.deepEqual(of('channel').map(c => [c.topic, c.encoding, c.metadata.topic]),
		['a', 'b/\u00e9', 'c'].map(t => [t, 'json', t]));
	assert.deepEqual(of('schema').map(s => Buffer.from(s.data, 'hex').toString()), ['{"type":"object"}']);
	assert.deepEqual(of('attachment').map(a => [a.name, a.type, a.log, Buffer.from(a.data, 'hex').toString()]),
		[['n', 'text/plain', 7, 'hello']]);
	assert.deepEqual(of('metadata').map(m => [m.name, m.pairs]), [['m', { k: 'v', '': '' }]]);
	assert.equal(messages.length, sent.length);
	sent.sort((a, b) => Number(a.logTime - b.logTime) || a.sequence - b.sequence).forEach((want, i) => {
		const m = messages[i];
		sameMessage({ channelId: m.channel, sequence: m.sequence, logTime: BigInt(m.log), publishTime: BigInt(m.publish),
			data: Buffer.from(m.data, 'hex') }, want);
	});
}

/* ---- recordings of machines ---- */

const of = (type, records) => records.filter(r => r.type === type);
const text = m => [m.channelId, m.sequence, m.logTime, m.publishTime, Buffer.from(m.data).toString('hex')].join(' ');

// Messages as our reader tells them; nanoseconds are too many for a number of JavaScript.
const ourTexts = (path, ...how) => output(peer, 'read', path, ...how)
	.filter(line => line.startsWith('{"record":"message"'))
	.map(line => JSON.parse(line.replace(/"(log|publish)":(\d+)/g, '"$1":"$2"')))
	.map(m => [m.channel, m.sequence, m.log, m.publish, m.data].join(' '));

function sameTexts(what, got, want) {
	const at = want.findIndex((one, i) => one !== got[i]);
	assert(at < 0 && got.length === want.length,
		`${what}: ${got.length}, not ${want.length}; ${at}: ${got[at]}, not ${want[at]}`);
}

// As Foxglove and other tools do: the type comes out of the file.
function decoder(schemas) {
	const types = new Map();
	for (const s of schemas.values()) {
		assert.equal(s.encoding, 'protobuf');
		const root = protobuf.Root.fromDescriptor(descriptor.FileDescriptorSet.decode(s.data));
		root.resolveAll();
		types.set(s.id, root.lookupType(s.name));
	}
	return (channel, m) => types.get(channel.schemaId).toObject(types.get(channel.schemaId).decode(m.data),
		{ longs: String, enums: String, bytes: Buffer, defaults: true });
}

function byTopic(channels, messages) {
	const topics = new Map([...channels.values()].map(c => [c.topic, []]));
	for (const m of messages) topics.get(channels.get(m.channelId).topic).push(m);
	return topics;
}

// What `cadmus record --info` says of a file is what they count in it.
function counted(path, channels, messages, status) {
	const done = spawnSync(cadmus, ['record', '--info', path, '--json'], { encoding: 'utf8' });
	assert.equal(done.status, status, done.stderr);
	const said = JSON.parse(done.stdout), topics = byTopic(channels, messages);
	assert.equal(said.messages, messages.length);
	assert.deepEqual(Object.fromEntries(said.channels.map(c => [c.topic, c.messages])),
		Object.fromEntries([...topics].map(([topic, list]) => [topic, list.length])));
	return said;
}

// By the index, in a stream, and by our reader: the same messages.
async function whole(path, result, compression) {
	const { reader, messages, attachments, metadata } = await indexed(path);
	const records = await streamed(path), chunks = of('Chunk', records), all = of('Message', records).map(text);
	sameTexts('by the index', messages.map(text).sort(), [...all].sort());
	sameTexts('by our reader', ourTexts(path), all);
	sameTexts('by our reader, gone through', ourTexts(path, 'scan'), all);
	const said = counted(path, reader.channelsById, messages, 0);
	assert.deepEqual([said.result, said.cut, said.damaged, said.bad_sum, said.summary], [result, false, 0, false, 'whole']);
	assert.deepEqual([said.chunks, reader.chunkIndexes.length], [chunks.length, chunks.length]);
	assert.equal(reader.statistics.messageCount, BigInt(messages.length));
	assert.deepEqual([...new Set(chunks.map(c => c.compression))], [compression]);
	assert.equal(reader.header.profile, 'cadmus');
	assert.deepEqual(attachments.map(a => a.name), ['plan']);
	assert.deepEqual(metadata.map(m => m.name), ['cadmus.machine', 'cadmus.result']);
	assert.equal(metadata[1].metadata.get('result'), result);
	return { channels: reader.channelsById, schemas: reader.schemasById, messages, about: metadata[0].metadata,
		end: metadata[1].metadata };
}

const arrays = { u8: Uint8Array, i8: Int8Array, u16: Uint16Array, i16: Int16Array, u32: Uint32Array, i32: Int32Array,
	u64: BigUint64Array, i64: BigInt64Array, f32: Float32Array, f64: Float64Array, bool: Uint8Array };

function sameSample(channel, type, value, bytes) {
	const dtype = channel.metadata.get('dtype'), array = arrays[dtype];
	if (type === 'foxglove.RawImage') {
		const [height, width, depth = 1] = channel.metadata.get('shape').split(',').map(Number);
		assert.deepEqual([value.height, value.width, value.step, value.encoding],
			[height, width, width * depth, depth === 3 ? 'rgb8' : 'mono8']);
	} else if (array) {
		const values = /^[ui]64$/.test(dtype) ? value.values.map(BigInt) : value.values;
		assert.deepEqual(values, [...new array(new Uint8Array(bytes).buffer)], channel.topic);
	}
	if (type === 'foxglove.RawImage' || !/^(u32|i32|u64|i64|f32|f64)$/.test(dtype)) // whose numbers are all
		assert(Buffer.from(value.data).equals(bytes), channel.topic);
}

// Of each field of the camera: the versions that are there, all of them as published, and how many are said to be
// missed.  And the notes.
function published({ channels, schemas, messages }) {
	const decode = decoder(schemas), seen = {}, dtypes = new Set(), notes = [];
	for (const [topic, list] of byTopic(channels, messages)) {
		const samples = new Map(wanted.fields[topic]);
		for (const m of list) {
			const channel = channels.get(m.channelId), value = decode(channel, m);
			const version = Number(value.version), type = schemas.get(channel.schemaId).name;
			if (value.kind === 'noted') notes.push([value.a, value.b, Buffer.from(value.text).toString()]);
			if (!wanted.fields[topic]) continue;
			sameSample(channel, type, value, Buffer.from(samples.get(version), 'hex'));
			dtypes.add(channel.metadata.get('dtype'));
			const field = seen[topic] ??= { versions: [], missed: 0 };
			field.versions.push(version);
			field.missed += Number(value.missed);
		}
	}
	assert.deepEqual(Object.keys(seen).sort(), Object.keys(wanted.fields).sort());
	assert.deepEqual([...dtypes].sort(), [...Object.keys(arrays), 'f16', 'bf16', 'bytes'].sort());
	return { seen, notes };
}

const upTo = n => Array.from({ length: n }, (_, i) => i + 1);

async function plain(path) {
	const { seen, notes } = published(await whole(path, 'COMPLETE', ''));
	for (const [field, { versions, missed }] of Object.entries(seen))
		assert.deepEqual([versions, missed], [upTo(wanted.rounds), 0], field);
	assert.deepEqual(notes, wanted.notes);
}

async function incomplete(path) {
	const it = await whole(path, 'INCOMPLETE', 'zstd'), { seen, notes } = published(it);
	for (const [field, { versions, missed }] of Object.entries(seen)) {
		const count = wanted.fields[field].length, what = `${field}: ${versions}; ${missed} missed`;
		assert(missed > 0 && versions.length + missed === count && versions.at(-1) === count, what);
		assert.deepEqual([it.end.get(`${field}:samples`), it.end.get(`${field}:missed`)],
			[`${versions.length}`, `${missed}`], what);
	}
	assert.deepEqual(notes, wanted.notes);
}

// The records outside of chunks that are all there: [opcode, begin, end].
function recordsOf(bytes) {
	const found = [];
	for (let at = 8; at + 9 <= bytes.length;) {
		const end = at + 9 + Number(bytes.readBigUInt64LE(at + 1));
		if (end > bytes.length) break;
		found.push([bytes[at], at, end]);
		at = end;
	}
	return found;
}

// A file that ends anywhere: they see each record that is all there, in a stream; and so do we.
async function unfinished(path, isCut) {
	const bytes = await readFile(path), { reader, records } = stream(bytes), found = recordsOf(bytes);
	assert(!reader.done());
	assert.equal(reader.bytesRemaining(), bytes.length - found.at(-1)[2]);
	for (const [type, opcode] of Object.entries({ Header: 1, Footer: 2, Chunk: 6, MessageIndex: 7, ChunkIndex: 8,
			Attachment: 9, Statistics: 11, Metadata: 12, DataEnd: 15 }))
		assert.equal(of(type, records).length, found.filter(r => r[0] === opcode).length, type);
	assert.deepEqual([...of('Header', records).map(r => r.profile), ...of('Attachment', records).map(r => r.name),
		...of('Metadata', records).map(r => r.name)], ['cadmus', 'plan', 'cadmus.machine']);
	const messages = of('Message', records);
	assert(messages.length > 0);
	sameTexts('by our reader', ourTexts(path), messages.map(text));
	const channels = new Map(of('Channel', records).map(c => [c.id, c]));
	const schemas = new Map(of('Schema', records).map(s => [s.id, s]));
	const said = counted(path, channels, messages, 1);
	assert.deepEqual([said.result, said.cut, said.cut_at, said.damaged, said.chunks],
		['UNFINISHED', true, found.at(-1)[2], 0, of('Chunk', records).length]);
	await assert.rejects(indexed(path), /footer|magic/i);
	if (isCut)
		return messages.length;
	for (const [field, { versions, missed }] of Object.entries(published({ channels, schemas, messages }).seen)) {
		assert(versions.length >= wanted.rounds && missed === 0, `${field}: ${versions}, ${missed}`);
		assert.deepEqual(versions, upTo(versions.length), field);
	}
	return messages.length;
}

async function killed(path) {
	const count = await unfinished(path, false), bytes = await readFile(path);
	const [, begin, end] = recordsOf(bytes).filter(r => r[0] === 6).at(-1);
	for (const at of [begin, begin + 5, begin + 100, end - 1]) {
		await writeFile(`${folder}/cut.mcap`, bytes.subarray(0, at));
		assert(await unfinished(`${folder}/cut.mcap`, true) < count, `cut at ${at}`);
	}
}

// What rules make of a recording again, as a recording: what they were told stands there as it stood, and they said the
// same.
async function replayed(path) {
	const to = `${folder}/replayed.mcap`;
	await rm(to, { force: true });
	const end = JSON.parse(output(cadmus, 'replay', path, '--output', to, '--json').at(-1));
	const it = await whole(to, 'COMPLETE', 'zstd'), { reader, messages } = await indexed(path);
	assert.equal(end.result, 'IDENTICAL');
	assert.deepEqual([it.about.get('replay'), it.end.get('end')], ['rules', 'replayed']);
	const before = decoder(reader.schemasById), after = decoder(it.schemas);
	const was = byTopic(reader.channelsById, messages), is = byTopic(it.channels, it.messages);
	const toldAs = m => [m.sequence, m.publishTime, Buffer.from(m.data).toString('hex')].join(' ');
	const madeAs = (decode, channels) => m => (({ values, source_ns, trust, status }) =>
		JSON.stringify({ values, source_ns, trust, status }))(decode(channels.get(m.channelId), m));
	assert.deepEqual([...is.keys()].sort(), [...end.told, ...end.targets.map(t => t.field)].sort());
	for (const field of end.told)
		sameTexts(field, is.get(field).map(toldAs), was.get(field).map(toldAs));
	for (const { field, made, given, beyond } of end.targets) {
		assert(made > beyond);
		assert.equal(is.get(field).length, made, field);
		sameTexts(field, is.get(field).slice(0, made - beyond).map(madeAs(after, it.channels)),
			was.get(field).slice(given).map(madeAs(before, reader.channelsById)));
	}
}

async function machine(path) {
	const { channels, schemas, messages } = await whole(path, 'COMPLETE', 'zstd');
	const decode = decoder(schemas), seen = new Map();
	for (const m of messages) {
		const channel = channels.get(m.channelId), value = decode(channel, m);
		seen.set(channel.topic, [...(seen.get(channel.topic) ?? []), { ...value, channel, m }]);
	}
	const feedback = seen.get('legs.feedback'), level = seen.get('kinesthetic'), events = seen.get('/cadmus/events');
	assert(feedback.length > 20 && level.length > 5 && events.length > 0, [...seen].map(([k, v]) => `${k} ${v.length}`).join());
	for (const [topic, list] of seen)
		if (topic !== '/cadmus/events')
			list.forEach((s, i) => assert(i === 0 || s.epoch !== list[i - 1].epoch ||
				Number(s.version) === Number(list[i - 1].version) + 1, topic));
	for (const s of feedback) {
		assert.equal(s.channel.metadata.get('dtype'), 'f32');
		assert.equal(s.values.length, Number(s.channel.metadata.get('bytes')) / 4);
		assert.equal(Math.abs(Number(s.m.logTime) - Date.now() * 1e6) < 3600e9, true);
	}
	assert(events.some(e => e.kind === 'stop' && e.level === 'INFO' && /^stop: an emergency stop of legs/.test(e.message)),
		events.map(e => e.message).join('\n'));
	const odd = feedback.find(s => s.status !== 'OK' || s.source !== 'legs' || !(s.trust > 0) || s.epoch !== 1);
	assert.equal(odd, undefined);
}

for (const [chunk, compression, count] of [[0, 'zstd', 1000], [0, 'plain', 1000], [1, 'zstd', 50], [1000, 'zstd', 300],
		[1000, 'plain', 300], [50000, 'zstd', 2000]])
	await step(`ours: chunks of ${chunk} bytes, ${compression}, ${count} messages`, () => ours(chunk, compression, count));
for (const compression of ['zstd', 'plain'])
	for (const [name, options] of Object.entries({ 'of the usual size': {}, 'of 1000 bytes': { chunkSize: 1000 },
			'of one message': { chunkSize: 1 }, 'none': { useChunks: false }, 'without an index':
			{ chunkSize: 3000, useChunkIndex: false, useMessageIndex: false }, 'without a summary': { chunkSize: 3000,
			useStatistics: false, useSummaryOffsets: false, repeatSchemas: false, repeatChannels: false,
			useAttachmentIndex: false, useMetadataIndex: false, useMessageIndex: false, useChunkIndex: false } }))
		await step(`theirs: chunks ${name}, ${compression}`, async () => {
			const sent = await theirs(options, compression, 600);
			sameFile(read(), sent, /none|without/.test(name));
			sameFile(read('scan'), sent, true);
		});
await step('theirs: lz4 is refused by name', async () => {
	await theirs({ useChunkIndex: false }, 'lz4', 10);
	assert.throws(() => read(), /compressed by lz4/);
});
if (cadmus) {
	const file = name => `${folder}/${name}.mcap`;
	await step('a recording of a machine', () => machine(file('recording')));
	await step('its rules, run again', () => replayed(file('recording')));
	await step('a recording of all types and forms, not packed', () => plain(file('plain')));
	await step('its rules, run again', () => replayed(file('plain')));
	await step('an incomplete one', () => incomplete(file('stopped')));
	await step('one whose recorder was killed', () => killed(file('killed')));
}
