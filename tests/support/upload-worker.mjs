/**
 * Sends one request many times at once, in a thread of its own: the process that measures the
 * streams beside it must not be the one that is busy sending. Reads the responses and keeps nothing
 * of them.
 */
import { request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const { url, apiKey, body, count } = workerData;

function upload() {
  return new Promise((resolve) => {
    const upload = request(url, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        'content-length': body.length,
      },
    });
    upload.on('response', (response) => {
      let length = 0;
      response.on('data', (chunk) => {
        length += chunk.length;
      });
      response.on('close', () => {
        const { 'retry-after': retryAfter = null, 'x-request-id': id } = response.headers;
        const { statusCode: status, complete: isComplete } = response;
        resolve({ status, retryAfter, id, length, isComplete });
        upload.destroy();
      });
    });
    upload.on('error', () => {
      resolve({ status: 0, retryAfter: null, id: null, length: 0, isComplete: false });
    });
    upload.end(body);
  });
}

parentPort.postMessage(await Promise.all(Array.from({ length: count }, upload)));
