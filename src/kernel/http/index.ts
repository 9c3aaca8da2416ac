// The face of HTTP: describe a route with `route`, mount it on `Http`.
export type { Http } from "./http.ts";
export { type Actor, type Authenticate, type Reply, type Route, type RouteContext, route } from "./route.ts";
