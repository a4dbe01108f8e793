import { httpRouter } from "convex/server";
import { httpAction } from "./_generated/server";
import { handleDoor } from "./door/handle.ts";

/** The agents' door: `/v1/…`, described at `/v1/openapi.json`. */
const http = httpRouter();
const door = httpAction(handleDoor);

for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"] as const) {
  http.route({ pathPrefix: "/v1/", method, handler: door });
}

export default http;
