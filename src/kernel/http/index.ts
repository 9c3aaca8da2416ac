// The face of HTTP: describe a route with `route`, mount it on `Http`.
export { ANY_TYPE } from "./body.ts";
export { fileAt, serveFile } from "./documentation/files.ts";
export { escapeHtml, type HtmlPage, htmlPage } from "./documentation/html-page.ts";
export type { ForbiddenCall, Http, HttpServer } from "./http.ts";
export { createHttp, type HttpDeps, httpMigrations } from "./http-server.ts";
export { allowsOrigin } from "./origin.ts";
export {
  type CursorKey,
  decodeCursor,
  encodeCursor,
  integerParameter,
  type Page,
  pageQuery,
  pageSchema,
  toPage,
} from "./page.ts";
export { createProbeServer } from "./probe-server.ts";
export {
  type Actor,
  type Authenticate,
  type AuthenticateKey,
  type Caller,
  type KeyActor,
  type LimitGroup,
  type Reply,
  type Route,
  type RouteContext,
  type RouteSpec,
  route,
  type Upload,
} from "./route.ts";
export type { Socket, SocketHandler } from "./socket.ts";
export { checkValue } from "./text-check.ts";
export { validate } from "./validation.ts";
