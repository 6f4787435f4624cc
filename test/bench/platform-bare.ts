/** What the platform is compared with: a bare Node.js HTTP server that reads each request and answers the same bytes. */
import { createServer } from 'node:http';

const [body = ''] = process.argv.slice(2);
const head = [
  'Content-Type',
  'text/plain; charset=utf-8',
  'Content-Length',
  String(body.length),
  'Connection',
  'keep-alive',
];

const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  request.on('end', () => response.writeHead(200, head).end(body));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
