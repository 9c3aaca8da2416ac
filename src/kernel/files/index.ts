// Stored files: bytes in the data directory, complete or not there, and what is known of them in the database.
export { type ByteStore, createByteStore } from "./byte-store.ts";
export { fileErrors } from "./errors.ts";
export type { ByteRange, FilePage, Files, NewFile, StoredFile } from "./files.ts";
export { createFiles, fileMigrations, type StoredFiles } from "./stored-files.ts";
