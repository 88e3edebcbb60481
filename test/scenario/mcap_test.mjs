// mcap_test.mjs PEER FOLDER [RECORDING] - files of src/mcap read by @mcap/core, and its files by ours; by mcap_test.sh.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { McapIndexedReader, McapStreamReader, McapWriter } from '@mcap/core';
import { decompress as unpack } from 'fzstd';
import { compress, init } from '@bokuweb/zstd-wasm';

const [peer, folder, recording] = process.argv.slice(2);
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
async function streamed(path) {
	const reader = new McapStreamReader({ decompressHandlers, validateCrcs: true, includeChunks: true }), records = [];
	const bytes = await readFile(path);
	for (let at = 0, n = 1; at < bytes.length; at += n, n = n * 3 % 65521) {
		reader.append(bytes.subarray(at, at + n));
		for (let record; (record = reader.nextRecord());) records.push(record);
	}
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

const read = (...how) => execFileSync(peer, ['read', `${folder}/theirs.mcap`, ...how], { encoding: 'utf8', maxBuffer: 1 << 28,
	stdio: ['ignore', 'pipe', 'pipe'] }).trim().split('\n').map(line => JSON.parse(line));

function sameFile(records, sent, scanned) {
	const of = sort => records.filter(r => r.record === sort);
	const [info] = of('info'), messages = of('message');
	assert.equal(info.messages, sent.length);
	assert.deepEqual([info.library, info.cut, info.damaged, info.bad_sum, info.scanned], ['theirs', false, 0, false, scanned]);
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

/* ---- a recording of a machine ---- */

async function machine() {
	const { default: protobuf } = await import('protobufjs');
	const { default: descriptor } = await import('protobufjs/ext/descriptor.js');
	const { reader, messages, attachments, metadata } = await indexed(recording);
	const records = await streamed(recording);
	assert.equal(records.filter(r => r.type === 'Message').length, messages.length);
	assert.equal(reader.header.profile, 'cadmus');
	assert.deepEqual(attachments.map(a => a.name), ['plan']);
	assert.deepEqual(metadata.map(m => m.name), ['cadmus.machine', 'cadmus.result']);
	assert.equal(metadata[1].metadata.get('result'), 'COMPLETE');
	// as Foxglove and other tools do: the type comes out of the file
	const types = new Map();
	for (const s of reader.schemasById.values()) {
		assert.equal(s.encoding, 'protobuf');
		const root = protobuf.Root.fromDescriptor(descriptor.FileDescriptorSet.decode(s.data));
		root.resolveAll();
		types.set(s.id, root.lookupType(s.name));
	}
	const seen = new Map();
	for (const m of messages) {
		const channel = reader.channelsById.get(m.channelId), type = types.get(channel.schemaId);
		const value = type.toObject(type.decode(m.data), { longs: String, enums: String, bytes: Buffer,
			defaults: true });
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
if (recording)
	await step('a recording of a machine', machine);
