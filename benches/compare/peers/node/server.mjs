// The job in Node: jose verifies (verified tokens are remembered), ajv validates, undici forwards.
import { createServer } from 'node:http';
import { Buffer } from 'node:buffer';
import Ajv from 'ajv/dist/2019.js';
import { jwtVerify } from 'jose';
import { Pool } from 'undici';

const settings = JSON.parse(process.env.COMPARE);
const secret = new TextEncoder().encode(settings.secret);
const pool = new Pool(`http://${settings.upstream}`, { connections: 64 });
const MOST = 10_000;
const verified = new Map();

const isScore = new Ajv().compile({
  type: 'object',
  additionalProperties: false,
  required: ['userId', 'activityProgress', 'gradingProgress'],
  properties: {
    userId: { type: 'string', minLength: 1 },
    activityProgress: { enum: ['Initialized', 'Started', 'InProgress', 'Submitted', 'Completed'] },
    gradingProgress: { enum: ['FullyGraded', 'Pending', 'PendingManual', 'Failed', 'NotReady'] },
    scoreGiven: { type: 'number', minimum: 0 },
    scoreMaximum: { type: 'number', exclusiveMinimum: 0 },
    comment: { type: 'string' },
    timestamp: { type: 'string' },
    submission: { type: 'object' },
  },
  dependentRequired: { scoreGiven: ['scoreMaximum'] },
});

async function expiry(token) {
  const known = verified.get(token);
  if (known !== undefined) return known;
  const { payload } = await jwtVerify(token, secret, {
    algorithms: ['HS256'],
    issuer: settings.issuer,
    audience: settings.audience,
    requiredClaims: ['exp'],
  });
  if (verified.size >= MOST) verified.delete(verified.keys().next().value);
  verified.set(token, payload.exp);
  return payload.exp;
}

function refuse(response, status, message) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status, details: { message } }));
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function answer(request, response) {
  const [, token, serviceKey] = /^SERVICE-AUTH-V1 ([^:]+):(.+)$/.exec(request.headers.authorization ?? '') ?? [];
  let expires = 0;
  try {
    if (token) expires = await expiry(token);
  } catch {
    // Refused below.
  }
  if (expires < Date.now() / 1000) return refuse(response, 401, 'INVALID_AUTHORIZATION');
  let body = await read(request);
  const score = parse(body);
  if (!isScore(score)) return refuse(response, 422, 'INVALID_SCORE');
  if (score.scoreGiven > score.scoreMaximum) {
    score.scoreGiven = score.scoreMaximum;
    body = JSON.stringify(score);
  }
  const sent = await pool.request({
    path: request.url,
    method: request.method,
    headers: {
      authorization: `SERVICE-AUTH-V1 ${settings.apiKey}:${serviceKey}`,
      'content-type': 'application/json',
    },
    body,
  });
  response.writeHead(sent.statusCode);
  response.end(sent.statusCode === 204 ? undefined : Buffer.from(await sent.body.arrayBuffer()));
  if (sent.statusCode === 204) await sent.body.dump();
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => refuse(response, 502, 'UPSTREAM_UNREACHABLE'));
});
server.keepAliveTimeout = 75_000;
server.listen(settings.port, '127.0.0.1');
