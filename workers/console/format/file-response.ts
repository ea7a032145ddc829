/** Files that are made while they are sent, so memory stays bounded for accounts of any age. */

type FileKind = Readonly<{
  /** Must be a constant: it is not escaped. */
  name: string;
  contentType: string;
}>;

const encoder = new TextEncoder();

/** The next part is made when the client has taken the last. */
export function fileResponse({ name, contentType }: FileKind, parts: AsyncIterable<string>) {
  const source = parts[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await source.next();
      if (done === true) return controller.close();
      controller.enqueue(encoder.encode(value));
    },
    cancel: async () => {
      await source.return?.();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': `${contentType}; charset=utf-8`,
      'content-disposition': `attachment; filename="${name}"`,
      'cache-control': 'no-store',
    },
  });
}
