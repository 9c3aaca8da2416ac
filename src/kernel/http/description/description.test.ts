import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { integerParameter, pageQuery, pageSchema, type Route, route } from "../index.ts";
import {
  idParams,
  openTestHttp,
  send,
  type TestHttp,
  thing,
  thingErrors,
  thingRoutes,
} from "../test-http.ts";
import { describeApi } from "./openapi.ts";

const part = z
  .strictObject({
    id: z.uuid(),
    name: z.string().meta({ examples: ["wheel"] }),
    at: z.iso.datetime(),
    note: z.string().nullable(),
  })
  .meta({ id: "Part", description: "A piece of a thing." });

function routes(): Route[] {
  return [
    ...thingRoutes(),
    route(
      {
        ...thing,
        method: "GET",
        path: "/things/{id}/parts",
        operationId: "listParts",
        description: "Newest first.",
        params: idParams,
        query: z.strictObject({
          ...pageQuery,
          since: integerParameter({ min: 0, max: 9, default: 3 }),
          word: z.string(),
        }),
        responses: {
          200: { description: "A page of parts.", schema: pageSchema(part), alsoAs: ["text/csv"] },
        },
        errors: [thingErrors.THING_NOT_FOUND],
      },
      async () => ({ status: 200 }),
    ),
    route(
      {
        ...thing,
        method: "POST",
        path: "/things/{id}/parts",
        operationId: "addPart",
        params: idParams,
        body: z.strictObject({ name: z.string().min(1).max(5).default("x"), kind: z.enum(["a", "b"]) }),
        isIdempotent: true,
        responses: { 201: { description: "The part.", schema: part }, 202: { description: "Later." } },
      },
      async () => ({ status: 201 }),
    ),
    route(
      {
        ...thing,
        method: "GET",
        path: "/stream",
        operationId: "streamThings",
        access: "public",
        takesProof: true,
      },
      async () => ({ status: 200 }),
    ),
    route(
      {
        ...thing,
        method: "POST",
        path: "/import",
        operationId: "importParts",
        body: { stream: ["text/csv", "application/x-ndjson"] },
      },
      async () => ({ status: 202 }),
    ),
  ];
}

let server: TestHttp;
// The document as any reader of JSON sees it.
// biome-ignore lint/suspicious/noExplicitAny: a test walks through it as it is.
let document: any;
beforeAll(async () => {
  server = await openTestHttp(routes);
  document = (await send(server.http, "GET", "/openapi.json")).body;
});
afterAll(() => server.close());

const operation = (method: string, path: string) => document.paths[path][method];

test("[HTTP-41] the document is OpenAPI 3.1 and open to anyone", async () => {
  const answer = await send(server.http, "GET", "/openapi.json");
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(document.openapi).toBe("3.1.0");
  expect(document.info).toMatchObject({ title: "Stoa", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  expect(document.info.description.length).toBeGreaterThan(200);
});

test("[HTTP-41] every route is there under its name, pages and files are not", () => {
  const names = Object.values<Record<string, { operationId: string }>>(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  const expected = [...routes().map(({ spec }) => spec.operationId), "getApiDescription"];
  expect(names.sort()).toEqual(expected.sort());
});

test("[HTTP-41] parameters are described as their schemas check them", () => {
  const { parameters } = operation("get", "/things/{id}/parts");
  expect(parameters).toEqual([
    { name: "id", in: "path", required: true, schema: { type: "string", format: "uuid" } },
    {
      name: "limit",
      in: "query",
      required: false,
      description: "Items on a page, 1 to 100.",
      schema: { type: "integer", minimum: 1, maximum: 100, default: 20 },
    },
    expect.objectContaining({ name: "cursor", in: "query", required: false, schema: { type: "string" } }),
    expect.objectContaining({
      name: "since",
      schema: { type: "integer", minimum: 0, maximum: 9, default: 3 },
    }),
    { name: "word", in: "query", required: true, schema: { type: "string" } },
  ]);
});

test("[HTTP-41] a body is described as it may be sent: what has a default may be left out", () => {
  expect(operation("post", "/things/{id}/parts").requestBody).toEqual({
    required: true,
    content: {
      "application/json": {
        schema: {
          type: "object",
          properties: {
            name: { type: "string", minLength: 1, maxLength: 5, default: "x" },
            kind: { type: "string", enum: ["a", "b"] },
          },
          required: ["kind"],
          additionalProperties: false,
        },
      },
    },
  });
});

test("[HTTP-41] a streamed body is described by its types", () => {
  const schema = { type: "string", format: "binary" };
  expect(operation("post", "/import").requestBody.content).toEqual({
    "text/csv": { schema },
    "application/x-ndjson": { schema },
  });
});

test("[HTTP-41] an answer refers to the named thing, which is described once and may grow", () => {
  const { content, headers } = operation("get", "/things/{id}/parts").responses[200];
  const refer = (name: string) => [name, { $ref: `#/components/headers/${name}` }];
  const names = ["X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];
  expect(headers).toEqual(Object.fromEntries(names.map(refer)));
  expect(content["application/json"].schema.properties.items.items).toEqual({
    $ref: "#/components/schemas/Part",
  });
  expect(content["text/csv"]).toEqual({ schema: { type: "string" } });
  expect(operation("post", "/things/{id}/parts").responses[201].content["application/json"].schema).toEqual({
    $ref: "#/components/schemas/Part",
  });
  expect(document.components.schemas.Part).toEqual({
    type: "object",
    description: "A piece of a thing.",
    properties: {
      id: { type: "string", format: "uuid" },
      name: { type: "string", examples: ["wheel"] },
      at: { type: "string", format: "date-time" },
      note: { anyOf: [{ type: "string" }, { type: "null" }] },
    },
    required: ["id", "name", "at", "note"],
  });
});

test("[HTTP-41] refusals are listed by status with an example of each code", () => {
  const codes = (method: string, path: string) =>
    Object.fromEntries(
      Object.entries<{ content?: Record<string, { examples?: object }> }>(operation(method, path).responses)
        .filter(([status]) => Number(status) >= 400)
        .map(([status, { content }]) => [
          status,
          Object.keys(content?.["application/problem+json"]?.examples ?? {}),
        ]),
    );
  expect(codes("post", "/things/{id}/parts")).toEqual({
    400: ["INVALID_JSON", "IDEMPOTENCY_KEY_INVALID"],
    401: ["UNAUTHENTICATED"],
    403: ["KEY_NOT_ALLOWED"],
    404: ["NOT_FOUND"],
    409: ["IDEMPOTENCY_IN_PROGRESS"],
    413: ["BODY_TOO_LARGE"],
    415: ["UNSUPPORTED_MEDIA_TYPE"],
    422: ["INVALID_INPUT", "INVALID_TEXT", "IDEMPOTENCY_KEY_REUSED"],
    429: ["RATE_LIMITED"],
    500: ["INTERNAL"],
    503: ["DATABASE_UNAVAILABLE", "DATABASE_BUSY"],
  });
  expect(codes("get", "/things/{id}/parts")).toMatchObject({
    404: ["THING_NOT_FOUND"],
    422: ["INVALID_INPUT", "INVALID_TEXT", "INVALID_CURSOR"],
  });
  expect(codes("get", "/open")).toEqual({
    429: ["RATE_LIMITED"],
    500: ["INTERNAL"],
    503: ["DATABASE_UNAVAILABLE", "DATABASE_BUSY"],
  });
});

test("[HTTP-41] a refusal that really comes fits its description", async () => {
  const { body } = await send(server.http, "GET", "/things/1/parts", { as: "ada" });
  const example = operation("get", "/things/{id}/parts").responses[404].content["application/problem+json"]
    .examples;
  expect(body).toEqual({ ...example.THING_NOT_FOUND.value, request_id: body.request_id });
  expect(Object.keys(body).sort()).toEqual([...document.components.schemas.Problem.required].sort());
});

test("[HTTP-41] who may call and what may be repeated is said", () => {
  expect(operation("get", "/open").security).toEqual([]);
  expect(operation("post", "/things/{id}/parts").security).toEqual([{ bearer: [] }]);
  const { security } = operation("get", "/stream");
  expect(security).toEqual([{ bearer: [] }, { ticket: [] }, { access_token: [] }]);
  expect(Object.keys(document.components.securitySchemes)).toEqual(
    expect.arrayContaining(security.flatMap(Object.keys)),
  );
  expect(document.components.securitySchemes.bearer).toMatchObject({ type: "http", scheme: "bearer" });
  const { parameters, responses } = operation("post", "/things/{id}/parts");
  expect(parameters).toContainEqual({ $ref: "#/components/parameters/IdempotencyKey" });
  expect(Object.keys(responses[201].headers)).toEqual([
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Idempotency-Replayed",
  ]);
});

test("[HTTP-41] every reference leads somewhere", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
    (match) => match[1] ?? "",
  );
  expect(references.length).toBeGreaterThan(20);
  for (const reference of references) {
    const found = reference.split("/").reduce((at, name) => at?.[name], document);
    expect([reference, typeof found]).toEqual([reference, "object"]);
  }
});

test("[HTTP-41] headers that a route reads and answers with stand beside its parameters", () => {
  const [read] = thingRoutes();
  if (!read) throw new Error("there are no routes of things");
  const spec = {
    ...read.spec,
    requestHeaders: { "If-Match": "The version it must have." },
    responses: { 200: { description: "The thing.", headers: { ETag: "Its version." } } },
  };
  const document = describeApi([{ ...read, spec }], "0");
  const described = JSON.stringify(document.paths);
  expect(described).toContain(
    '{"name":"If-Match","in":"header","required":false,"description":"The version it must have.","schema":{"type":"string"}}',
  );
  expect(described).toContain('"ETag":{"description":"Its version.","schema":{"type":"string"}}');
});
