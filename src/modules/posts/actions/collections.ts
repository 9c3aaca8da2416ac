// What can be done with collections: create, rename, delete them, and put posts in an order.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import { allow, type Projects, parseAccess, personOf, type Who } from "../../projects/index.ts";
import { postErrors } from "../errors.ts";
import { type CollectionEvent, ofCollection } from "../events.ts";
import { type Collection, MAX_COLLECTION_POSTS, rankBetween } from "../model.ts";
import { allowCollectionChange } from "../policy.ts";
import * as store from "../store/collections.ts";
import type { Bounded } from "../store/posts.ts";

export interface CollectionActionDeps {
  readonly events: Pick<Events, "append">;
  readonly projects: Pick<Projects, "access" | "writeAccess">;
}

export type CollectionActions = ReturnType<typeof createCollectionActions>;

export function createCollectionActions({ events, projects }: CollectionActionDeps) {
  async function getCollection(sql: Sql, id: string, who: Who): Promise<Collection> {
    const found = await store.findCollection(sql, id, who);
    if (!found) throw postErrors.COLLECTION_NOT_FOUND();
    allow(parseAccess(found.access), "collections.read", postErrors.COLLECTION_NOT_FOUND);
    return found.collection;
  }

  async function announce(tx: Tx, collection: Collection, who: Who, event: CollectionEvent): Promise<void> {
    await events.append(tx, ofCollection(collection, personOf(who), event));
  }

  return {
    getCollection,

    async createCollection(tx: Tx, projectId: string, who: Who, name: string): Promise<Collection> {
      allow(await projects.writeAccess(tx, projectId, who), "collections.write");
      const collection = await store.insertCollection(tx, {
        id: newId(),
        projectId,
        ownerId: personOf(who),
        name,
      });
      await announce(tx, collection, who, { event: "collection.created", data: { name } });
      return collection;
    },

    async listCollections(sql: Sql, who: Who, list: store.CollectionList): Promise<Collection[]> {
      allow(await projects.access(sql, list.projectId, who), "collections.read");
      return store.listCollections(sql, list);
    },

    async renameCollection(tx: Tx, id: string, who: Who, name: string): Promise<Collection> {
      const collection = await loadToChange(tx, id, who);
      if (collection.name === name) return collection;
      const updatedAt = await store.updateCollection(tx, id, name);
      await announce(tx, collection, who, { event: "collection.updated", data: { name } });
      return { ...collection, name, updatedAt };
    },

    /** What belonged to someone who may no longer write here becomes the project's owner's. Safe to repeat. */
    async takeOver(tx: Tx, id: string, who: Who): Promise<Collection> {
      const userId = personOf(who);
      const collection = await loadToChange(tx, id, who);
      if (collection.ownerId === userId) return collection;
      const updatedAt = await store.changeOwner(tx, id, userId);
      const data = { owner_id: userId, previous_owner_id: collection.ownerId };
      await announce(tx, collection, who, { event: "collection.taken_over", data });
      return { ...collection, ownerId: userId, updatedAt };
    },

    /** The posts stay. */
    async deleteCollection(tx: Tx, id: string, who: Who): Promise<void> {
      const collection = await loadToChange(tx, id, who);
      await store.deleteCollection(tx, id);
      await announce(tx, collection, who, { event: "collection.deleted", data: {} });
    },

    /** Puts a post at a position, from 0; left out, at the end, or where it is already. Safe to repeat. */
    async putPost(
      tx: Tx,
      { id, postId }: { readonly id: string; readonly postId: string },
      who: Who,
      position: number | undefined,
    ): Promise<void> {
      const { collection, place } = await loadWithPlace(tx, id, postId, who);
      if (place.isDeleted) throw postErrors.POST_NOT_FOUND();
      if (place.rank !== null && position === undefined) return;
      const { others, before, last } = await store.countOthers(tx, id, postId, place.rank);
      if (place.rank === null && others >= MAX_COLLECTION_POSTS) throw postErrors.COLLECTION_FULL();
      const target = Math.min(position ?? others, others);
      if (place.rank !== null && target === before) return;
      const rank = target === others ? rankBetween(last, undefined) : await findRank(tx, id, postId, target);
      await store.placePost(tx, collection, postId, rank ?? 0);
      const event = place.rank === null ? "collection.post_added" : "collection.post_moved";
      await announce(tx, collection, who, { event, data: { post_id: postId, position: target } });
    },

    /** Safe to repeat. */
    async removePost(
      tx: Tx,
      { id, postId }: { readonly id: string; readonly postId: string },
      who: Who,
    ): Promise<void> {
      const { collection } = await loadWithPlace(tx, id, postId, who);
      if (!(await store.removePost(tx, id, postId))) return;
      await announce(tx, collection, who, { event: "collection.post_removed", data: { post_id: postId } });
    },

    async listPosts(
      sql: Sql,
      id: string,
      who: Who,
      page: Parameters<typeof store.listCollectionPosts>[2],
    ): Promise<Bounded<store.PlacedPost>> {
      await getCollection(sql, id, who);
      return store.listCollectionPosts(sql, id, page);
    },
  };
}

async function loadToChange(tx: Tx, id: string, who: Who): Promise<Collection> {
  const found = await store.findCollectionToChange(tx, id, who);
  if (!found) throw postErrors.COLLECTION_NOT_FOUND();
  allowCollectionChange(found, personOf(who));
  return found.collection;
}

/** That the post is not there goes before that the collection is another's: the first is true for everyone. */
async function loadWithPlace(tx: Tx, id: string, postId: string, who: Who) {
  const found = await store.findCollectionToChange(tx, id, who);
  if (!found) throw postErrors.COLLECTION_NOT_FOUND();
  allow(parseAccess(found.access), "collections.write", postErrors.COLLECTION_NOT_FOUND);
  const { collection } = found;
  const place = await store.findPlace(tx, collection, postId);
  if (!place) throw postErrors.POST_NOT_FOUND();
  allowCollectionChange(found, personOf(who));
  return { collection, place };
}

async function findRank(tx: Tx, id: string, postId: string, position: number): Promise<number | undefined> {
  const rank = rankBetween(...(await store.findNeighbours(tx, id, postId, position)));
  if (rank !== undefined) return rank;
  await store.spreadRanks(tx, id);
  return rankBetween(...(await store.findNeighbours(tx, id, postId, position)));
}
