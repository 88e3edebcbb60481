// http_test.mjs URL - what Ollama's client, a browser's page, a scraper and a vandal see of a machine; by http_test.sh.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { Ollama } from 'ollama';

const url = process.argv[2];
const ollama = new Ollama({ host: url });
const passed = [];

const cadmus = (...args) => execFileSync(process.env.CADMUS, ['--machine', 'http_test', ...args], { encoding: 'utf8' });
const processes = () => JSON.parse(cadmus('ps', '--json'));
const pid = name => processes().find(p => p.name === name).pid;
const journal = () => cadmus('log', '--all', '--json').trim().split('\n').map(line => JSON.parse(line));

async function step(name, run) {
	await run();
	passed.push(name);
	console.log(`ok  ${name}`);
}

// One request with full control of its head; the answer with its whole body.
function ask(method, path, { headers = {}, body } = {}) {
	return new Promise((resolve, reject) => {
		const request = http.request(url + path, { method, headers, agent: false }, answer => {
			const parts = [];
			answer.on('data', part => parts.push(part));
			answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers,
				text: Buffer.concat(parts).toString() }));
		});
		request.on('error', reject);
		request.end(body);
	});
}

const post = (path, object, headers) => ask('POST', path, { headers, body: JSON.stringify(object) });
const error = answer => JSON.parse(answer.text).error;

async function metrics() {
	const values = new Map();
	for (const line of (await ask('GET', '/metrics')).text.split('\n'))
		if (line && !line.startsWith('#'))
			values.set(line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1)));
	return values;
}

// What `cadmus stat` says of those who read fields, as /metrics labels them.
function readers() {
	const sums = new Map();
	for (const f of JSON.parse(cadmus('stat', '--json')).fields)
		for (const r of f.readers) {
			const key = `{process="${r.process}",field="${f.field}"}`, sum = sums.get(key) ?? {};
			for (const name of ['copied', 'borrowed', 'missed', 'laps', 'retries', 'sleeps'])
				sum[name] = (sum[name] ?? 0) + r[name];
			sums.set(key, sum);
		}
	return sums;
}

// HTTP has no events: look again until it is so.
async function until(what, look) {
	for (const end = Date.now() + 20000; Date.now() < end; await new Promise(r => setTimeout(r, 10)))
		if (await look())
			return;
	assert.fail(`not within 20 s: ${what}`);
}

const healthy = async () => (await ask('GET', '/healthz')).status === 200;

// Every key that Ollama's own description of its API knows for the last object of an answer.
const known = new Set(['model', 'created_at', 'message', 'response', 'done', 'done_reason', 'total_duration', 'load_duration',
	'prompt_eval_count', 'prompt_eval_duration', 'eval_count', 'eval_duration']);

function shaped(last, chat) {
	for (const key of Object.keys(last))
		assert(known.has(key) || key === 'cadmus', `Ollama has no key ${key}`);
	assert.equal(last.done, true);
	assert.equal(last.done_reason, 'stop');
	assert.equal(typeof (chat ? last.message.content : last.response), 'string');
	assert.match(last.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
	assert(last.total_duration > 0 && last.eval_count > 0 && last.prompt_eval_count > 0);
}

async function streamed(request) {
	const parts = [];
	for await (const part of await request)
		parts.push(part);
	const last = parts.pop();
	assert(parts.length > 0 && parts.every(p => !p.done) && last.done);
	return { last, parts, text: [...parts, last].map(p => p.message ? p.message.content : p.response).join('') };
}

const say = (model, content) => ollama.chat({ model, messages: [{ role: 'user', content }] });
const generate = (model, prompt) => ollama.generate({ model, prompt });

await step('it gets healthy', async () => {
	await until('healthy', healthy);
	const health = JSON.parse((await ask('GET', '/healthz')).text);
	assert.equal(health.machine, 'http_test');
	assert.equal('http://' + health.address, url);
	assert.equal(health.processes.core, 'live');
	assert(health.ok && health.answers && health.reason === '');
});

await step('while core is frozen it is not healthy, however often it is asked', async () => {
	const core = pid('core'), polls = 20;
	process.kill(core, 'SIGSTOP');
	const began = Date.now(), first = await ask('GET', '/healthz');
	assert(Date.now() - began < 3000);
	assert.equal(first.status, 503);
	const health = JSON.parse(first.text);
	assert.equal(health.reason, 'core does not answer');
	assert(!health.ok && health.connected && !health.answers && health.processes.core === 'suspect');
	const all = await Promise.all(Array.from({ length: polls }, () => ask('GET', '/healthz')));
	assert(all.every(a => a.status === 503));
	assert(Date.now() - began < 3000, 'an overdue answer is waited for once');
	process.kill(core, 'SIGCONT');
	await until('healthy again', healthy);
	const again = await Promise.all(Array.from({ length: polls }, () => ask('GET', '/healthz')));
	assert(again.every(a => a.status === 200));
	assert.equal(pid('core'), core);
});

await step('models are listed', async () => {
	const { models } = await ollama.list();
	assert.deepEqual(models.map(m => m.name), ['scribe:latest', 'oracle:latest']);
	for (const m of models) {
		assert(m.size > 100000 && /^[0-9a-f]{64}$/.test(m.digest) && !Number.isNaN(Date.parse(m.modified_at)));
		assert.equal(m.details.format, 'gguf');
	}
	assert.notEqual(models[0].digest, models[1].digest);
	assert.equal((await ask('GET', '/')).text, 'Ollama is running');
	assert.match((await ollama.version()).version, /^\d+\.\d+/);
	const head = await ask('HEAD', '/');
	assert(head.status === 200 && head.text === '');
});

await step('a fact is told to one model, in a chat', async () => {
	const answer = await say('scribe', 'my name is Ana');
	shaped(answer, true);
	assert.equal(answer.model, 'scribe');
	assert.equal(answer.message.role, 'assistant');
	assert.doesNotMatch(answer.message.content, /#/);
	assert.deepEqual(answer.cadmus.facts, { name: 'Ana' });
	assert.equal(answer.cadmus.verdict, 'none');
	const turn = journal().find(r => r.seq === answer.cadmus.seq);
	assert.equal(turn.kind, 'turn'); // acknowledged: on the disk
});

await step('another model, asked by generate, knows it', async () => {
	const answer = await generate('oracle:latest', 'what is my name?');
	shaped(answer, false);
	assert.equal(answer.model, 'oracle:latest');
	assert.match(answer.response, /Ana/);
});

await step('answers stream, and clauses stay out of them', async () => {
	const told = await streamed(ollama.chat({ model: 'oracle', stream: true,
		messages: [{ role: 'user', content: 'my name is Ana' }, { role: 'assistant', content: 'Hello Ana.' },
			{ role: 'user', content: 'the door is locked' }] }));
	shaped(told.last, true);
	assert.equal(told.last.cadmus.facts.door, 'locked');
	assert.equal(told.last.cadmus.answer, undefined);
	assert.doesNotMatch(told.text, /#/);
	const asked = await streamed(ollama.generate({ model: 'oracle', prompt: 'is the door locked?', stream: true }));
	assert(asked.parts.length > 1);
	assert.match(asked.text, /locked/);
	const raw = await post('/api/generate', { model: 'oracle', prompt: 'what is my name?' });
	assert.equal(raw.headers['content-type'], 'application/x-ndjson');
	assert(raw.text.trim().split('\n').every(line => typeof JSON.parse(line).done === 'boolean'));
	const whole = await post('/api/generate', { model: 'oracle', prompt: 'what is my name?', stream: false });
	assert.equal(whole.headers['content-type'], 'application/json; charset=utf-8');
});

await step('many clients at once are all answered', async () => {
	const answers = await Promise.all(Array.from({ length: 6 }, () => generate('oracle', 'what is my name?')));
	assert(answers.every(a => /Ana/.test(a.response)));
	assert.equal(new Set(answers.map(a => a.cadmus.seq)).size, 6);
});

await step('stop sequences end what this client is shown, and nothing else', async () => {
	const options = { stop: ['name is', 'never'] }, prompt = 'what is my name?';
	const whole = await ollama.generate({ model: 'oracle', prompt, options });
	assert.equal(whole.response, 'Your ');
	assert.equal(whole.done_reason, 'stop');
	assert.match(whole.cadmus.answer, /^Your name is Ana/);
	const stream = await streamed(ollama.generate({ model: 'oracle', prompt, options, stream: true }));
	assert.equal(stream.text, 'Your ');
	assert.equal(stream.last.cadmus.answer, whole.cadmus.answer);
	assert.equal(journal().find(r => r.seq === stream.last.cadmus.seq).body.answer, whole.cadmus.answer);
	const short = await ollama.generate({ model: 'oracle', prompt, options: { num_predict: 2, temperature: 0.3, seed: 7 } });
	assert.equal(short.done_reason, 'length');
	assert.equal(short.cadmus.answer, undefined);
	for (const [given, words] of [[{ temperature: 'hot' }, 'option "temperature" must be of type float32'],
		[{ num_predict: '2' }, 'option "num_predict" must be of type integer'], [{ stop: 'x' }, 'option "stop" must be of type array'],
		[{ stop: [1] }, 'option "stop" must be of an array of strings'], [[], 'options must be an object']]) {
		const answer = await post('/api/generate', { model: 'oracle', prompt, options: given });
		assert.equal(answer.status, 400);
		assert(error(answer).startsWith(words), error(answer));
	}
});

await step('words become symbols, and the gate refuses to move for HTTP', async () => {
	const answer = await say('oracle', 'walk three steps');
	assert.equal(answer.message.content, '𐤌𐤟𐤛');
	assert.equal(answer.cadmus.symbols, '𐤌𐤟𐤛');
	assert.equal(answer.cadmus.verdict, 'refused');
	assert.equal(answer.cadmus.reason, 'NO_GRANT');
	assert(journal().some(r => r.kind === 'refusal') && !journal().some(r => r.kind === 'command'));
});

await step('nor may it load or unload models', async () => {
	const answer = await post('/api/generate', { model: 'scribe' });
	assert.equal(answer.status, 403);
	assert.match(error(answer), /may not `load`/);
	assert.equal((await post('/api/chat', { model: 'scribe', messages: [], keep_alive: 0 })).status, 403);
});

await step('what is wrong is refused in the words of Ollama', async () => {
	const gone = await say('nobody', 'hi').catch(e => e);
	assert.equal(gone.status_code, 404);
	assert.equal(gone.error, "model 'nobody' not found");
	assert.equal((await post('/api/generate', { model: '../../etc/passwd', prompt: 'x' })).status, 404);
	assert.equal((await ask('GET', '/api/nothing')).status, 404);
	for (const [method, path, allow] of [['GET', '/api/chat', 'POST'], ['DELETE', '/api/tags', 'GET, HEAD'],
		['PUT', '/api/generate', 'POST'], ['POST', '/metrics', 'GET, HEAD'], ['OPTIONS', '/api/chat', 'POST']]) {
		const answer = await ask(method, path);
		assert.equal(answer.status, 405, `${method} ${path}`);
		assert.equal(answer.headers.allow, allow);
	}
	for (const [body, words] of [['', 'missing request body'], ['{}', 'model is required'], ['{"model":', 'line 1'],
		['[]', 'not an object'], ['{"model":"oracle","tools":[{}]}', '"oracle" does not support tools'],
		[`{"model":"oracle","messages":[{"role":"user","content":"${'x'.repeat(9000)}"}]}`, 'longer than this machine takes'],
		['[['.repeat(5000), 'line 1']]) {
		const answer = await ask('POST', '/api/chat', { body });
		assert.equal(answer.status, 400, body.slice(0, 60));
		assert(error(answer).includes(words), `${error(answer)} lacks ${words}`);
	}
	assert.equal((await ask('POST', '/api/chat', { body: 'x'.repeat((1 << 20) + 1) })).status, 413);
	assert.equal((await post('/api/chat', { model: 'oracle' }, { 'Idempotency-Key': 'x'.repeat(49) })).status, 400);
});

await step('no page of anybody else gets through', async () => {
	const { host, port } = new URL(url);
	for (const good of [host, `localhost:${port}`, 'localhost', '127.0.0.1', `[::1]:${port}`])
		assert.equal((await ask('GET', '/api/tags', { headers: { host: good } })).status, 200, good);
	for (const bad of ['evil.example', `evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'])
		assert.equal((await ask('GET', '/api/tags', { headers: { host: bad } })).status, 403, bad);
	for (const bad of ['http://evil.example', 'null', `https://${host}`, 'http://localhost:1'])
		assert.equal((await post('/api/chat', { model: 'oracle' }, { origin: bad })).status, 403, bad);
	const ours = await ask('GET', '/api/tags', { headers: { origin: url } });
	assert.equal(ours.status, 200);
	assert(!Object.keys(ours.headers).some(h => h.startsWith('access-control')));
});

await step('a request that is repeated is done once', async () => {
	const once = () => post('/api/generate', { model: 'oracle', prompt: 'my cat is Tom', stream: false },
		{ 'Idempotency-Key': 'cat-1' });
	const first = JSON.parse((await once()).text), second = JSON.parse((await once()).text);
	assert.equal(second.cadmus.repeat, true);
	assert.equal(second.response, first.response);
	assert.equal(second.cadmus.seq, first.cadmus.seq);
	const text = await post('/api/generate', { model: 'oracle', prompt: 'my cat is Tom' }, { 'Idempotency-Key': 'cat-1' });
	const lines = text.text.trim().split('\n').map(line => JSON.parse(line));
	assert.equal(lines.map(l => l.response).join(''), first.response);
	const other = await post('/api/generate', { model: 'oracle', prompt: 'my dog is Rex', stream: false }, { 'Idempotency-Key': 'cat-1' });
	assert.equal(other.status, 409);
	assert.equal(JSON.parse(other.text).error, "Idempotency-Key 'cat-1' was given with other words before");
});

await step('core is killed, and whoever asks is answered by the next one', async () => {
	const core = pid('core'), parent = Number(readFileSync(`/proc/${core}/stat`, 'utf8').split(') ')[1].split(' ')[1]);
	process.kill(parent, 'SIGSTOP'); // so that nobody starts another one yet
	process.kill(core, 'SIGKILL');
	await until('not healthy', async () => !await healthy());
	assert.equal((await ask('GET', '/healthz')).status, 503);
	const answer = generate('oracle', 'what is my name?');
	await until('the request waits', async () => (await metrics()).get('cadmus_http_exchanges') === 1);
	process.kill(parent, 'SIGCONT');
	assert.match((await answer).response, /Ana/);
	await until('healthy again', healthy);
	assert.equal((await metrics()).get('cadmus_process_restarts_total{process="core",role="core"}'), 1);
});

// Stop a process, ask, wait until core works on it, and do the worst.
async function interrupted(name, prompt, worst) {
	const stopped = pid(name);
	process.kill(stopped, 'SIGSTOP');
	const answer = streamed(ollama.generate({ model: 'oracle', prompt, stream: true }));
	answer.catch(() => {}); // it is awaited below
	await until('the request is on its way', async () => (await metrics()).get('cadmus_http_exchanges') === 1);
	await worst(stopped);
	return answer;
}

await step('core is killed while it is asked: the request is asked again, and done once', async () => {
	const answer = await interrupted('oracle', 'my dog is Rex', stopped => {
		process.kill(pid('core'), 'SIGKILL');
		process.kill(stopped, 'SIGCONT');
	});
	assert.equal(answer.last.cadmus.facts.dog, 'Rex');
	assert.equal(journal().filter(r => r.kind === 'turn' && r.body.user === 'my dog is Rex').length, 1);
	assert((await metrics()).get('cadmus_http_asked_again_total') >= 1);
	await until('healthy again', healthy);
});

await step('a model is killed while it is asked: nobody but the journal notices', async () => {
	const answer = await interrupted('oracle', 'what is my name?', stopped => process.kill(stopped, 'SIGKILL'));
	assert.match(answer.text, /Ana/);
	assert.equal(answer.last.cadmus.answer, undefined);
});

await step('a client that hangs up leaves nothing open', async () => {
	const stopped = pid('oracle');
	process.kill(stopped, 'SIGSTOP');
	const request = http.request(url + '/api/generate', { method: 'POST', agent: false });
	request.on('error', () => {});
	request.end(JSON.stringify({ model: 'oracle', prompt: 'what is my name, said nobody?' }));
	await until('the request is on its way', async () => (await metrics()).get('cadmus_http_exchanges') === 1);
	request.destroy();
	await until('it is over, whatever the model does', async () => (await metrics()).get('cadmus_http_exchanges') === 0);
	process.kill(stopped, 'SIGCONT');
	assert.equal((await metrics()).get('cadmus_http_hung_up_total'), 1);
	assert.match((await generate('oracle', 'what is my name?')).response, /Ana/);
	assert(!journal().some(r => r.kind === 'turn' && r.body.user.includes('nobody')), 'it was taken back');
});

await step('metrics are what a scraper wants', async () => {
	const text = (await ask('GET', '/metrics')).text, m = await metrics();
	const tool = process.env.CADMUS_PROMTOOL || 'promtool';
	const check = spawnSync(tool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
	if (check.error)
		console.log(`    (without ${tool}: ${check.error.code})`);
	else
		assert.equal(check.status, 0, check.stdout + check.stderr);
	for (const line of text.split('\n').filter(l => l && !l.startsWith('#'))) {
		const name = line.match(/^[a-z_]+/)[0];
		assert(text.includes(`# HELP ${name} `) && text.includes(`# TYPE ${name} `), name);
	}
	for (const p of processes().filter(p => p.role !== 'client'))
		assert.equal(m.get(`cadmus_process_up{process="${p.name}",role="${p.role}"}`), p.state === 'live' ? 1 : 0, p.name);
	assert.equal(m.get(`cadmus_process_state{process="scribe",state="stopped"}`), 1, text.match(/.*scribe.*state.* 1/g)?.join());
	assert(m.get('cadmus_field_publishes_total{field="kinesthetic"}') > 0);
	assert(m.get('cadmus_field_age_seconds{field="kinesthetic"}') < 5);
	assert(m.get('cadmus_field_trust{field="kinesthetic"}') > 0.5);
	assert.equal(m.get('cadmus_field_status{field="kinesthetic",status="OK"}'), 1);
	assert(m.get('cadmus_process_publishes_total{process="core"}') > 0);
	const before = readers(), between = await metrics(), after = readers();
	assert(before.size > 0);
	for (const [key, low] of before)
		for (const [name, least] of Object.entries(low)) {
			const v = between.get(`cadmus_reader_${name}_total${key}`);
			assert(v >= least && v <= after.get(key)[name], `${name}${key}: ${least}, ${v}, ${after.get(key)[name]}`);
		}
	assert(m.get('cadmus_http_requests_total') > 40 && m.get('cadmus_http_refused_total') === 9);
	assert(m.get('cadmus_http_errors_total') > 10);
});

await step('nothing moved in all this', async () => {
	assert(!journal().some(r => r.kind === 'command'));
});

console.log(`${passed.length} steps`);
