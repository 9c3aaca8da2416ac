// The face of files: wiring only. Other modules reach stored files through the kernel.
export { createFileRoutes } from "./module.ts";
