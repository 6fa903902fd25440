// openapi.json from the schemas of the routes, so that documentation and judgement cannot differ. The only importer of @fastify/swagger.
// Must be registered before the routes it describes.
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';

export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'liên thông – local API of a node',
        description:
          'Hand documents in, see what becomes of them, take arrivals over. Errors are RFC 9457 problem documents: decide on `code`. Times in answers are milliseconds since 1970, in requests RFC 3339.',
        version,
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'lienthong node token add' },
        },
      },
      security: [{ token: [] }],
      tags: [
        { name: 'documents', description: 'Outgoing documents.' },
        { name: 'inbox', description: 'Arrivals.' },
        { name: 'recipients', description: 'Units of the directory, texts of "nơi nhận", groups.' },
        { name: 'node', description: 'Units, directory, state.' },
        { name: 'operation', description: 'For the supervisor; no token.' },
      ],
    },
    hideUntagged: true,
  });
  app.get('/openapi.json', { handler: async () => app.swagger() });
}
