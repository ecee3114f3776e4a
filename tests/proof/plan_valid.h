/* SPDX-License-Identifier: MIT */
/*
 * plan_valid: the words that the contracts of kernel/plan/plan_valid*.c are written in. Numbers in
 * them are mathematical, so nothing wraps.
 */
#pragma once

#include "kernel/plan/plan.h"

/*@ predicate no_wrap(struct range r) = r.base + r.size <= UINT64_MAX;
  @ predicate apart(struct range a, struct range b) =
  @   a.base + a.size <= b.base || b.base + b.size <= a.base;
  @ predicate within(struct range outer, struct range inner) =
  @   outer.base <= inner.base && inner.base + inner.size <= outer.base + outer.size;
  @
  @ // What can be read, and how many there are of everything.
  @ predicate readable_guests{L}(struct plan *p) = \valid_read(&p->guest_count) &&
  @   \forall integer g; 0 <= g < p->guest_count ==> \valid_read(&p->guests[g]);
  @ predicate readable_module{L}(struct machine_module *m) = m == \null || \valid_read(m);
  @ predicate readable_modules{L}(struct plan_guest *g) = readable_module(g->image_module) &&
  @   readable_module(g->initrd_module) &&
  @   \forall integer d; 0 <= d < DISKS_MAX ==> readable_module(g->disks[d].module);
  @ predicate readable{L}(struct plan *p, struct machine *m) =
  @   readable_guests(p) && \valid_read(&p->config) && \valid_read(&p->reserved_cores) &&
  @   \valid_read(m) && \valid_read(p->config) &&
  @   \forall integer g; 0 <= g < p->guest_count ==>
  @     \valid_read(p->guests[g].config) && readable_modules(&p->guests[g]);
  @ predicate readable_links{L}(struct plan *p) = \valid_read(&p->link_count) &&
  @   \forall integer l; 0 <= l < LINKS_MAX ==> \valid_read(&p->links[l]) &&
  @     (l < p->link_count ==> \valid_read(p->links[l].config));
  @ predicate bounded_guest{L}(struct plan_guest *g) =
  @   1 <= g->core_count <= GUEST_CORES_MAX && 1 <= g->map.count <= GUEST_REGIONS_MAX;
  @ predicate bounded_machine{L}(struct machine *m) =
  @   m->core_count <= CORES_MAX && m->range_count <= MACHINE_RANGES_MAX &&
  @   m->own_count <= MACHINE_OWN_MAX;
  @ predicate bounded{L}(struct plan *p, struct machine *m) =
  @   1 <= p->guest_count <= GUESTS_MAX && bounded_machine(m) &&
  @   \forall integer g; 0 <= g < p->guest_count ==> bounded_guest(&p->guests[g]);
  @
  @ // Cores.
  @ predicate lacks{L}(struct plan_guest *g, integer core, integer but) =
  @   \forall integer k; 0 <= k < g->core_count && k != but ==> g->cores[k] != core;
  @ predicate core_ok{L}(struct plan *p, struct machine *m, integer g, integer i) =
  @   p->reserved_cores <= p->guests[g].cores[i] < m->core_count &&
  @   \forall integer o; 0 <= o < p->guest_count ==>
  @     lacks(&p->guests[o], p->guests[g].cores[i], o == g ? i : GUEST_CORES_MAX);
  @ predicate cores_ok{L}(struct plan *p, struct machine *m, integer g) =
  @   p->guests[g].core_count == p->guests[g].config->cores.count &&
  @   \forall integer i; 0 <= i < p->guests[g].core_count ==> core_ok(p, m, g, i);
  @
  @ // One row of a guest's map: its own numbers, and the machine that it lies in.
  @ predicate spans_ok{L}(struct guest_region *r) =
  @   r->size > 0 && r->at.v + r->size <= 0x1000000000000 && r->to.v + r->size <= 0x10000000000000 &&
  @   (r->at.v & 0xfff) == 0 && (r->to.v & 0xfff) == 0 && (r->size & 0xfff) == 0;
  @ predicate type_ok{L}(struct guest_region *r) =
  @   (r->rights == 1 || r->rights == 3 || r->rights == 5 || r->rights == 7) &&
  @   ((r->kind == REGION_RAM && r->type == PT_WRITE_BACK) ||
  @    (r->kind == REGION_SHARED && r->type == PT_WRITE_BACK) ||
  @    (r->kind == REGION_DISK && r->type == PT_WRITE_BACK) ||
  @    (r->kind == REGION_TABLE && r->type == PT_WRITE_BACK && r->rights == 1) ||
  @    (r->kind == REGION_DEVICE &&
  @     (r->type == PT_UNCACHED || r->type == PT_WRITE_COMBINING)));
  @ predicate host_off{L}(struct guest_region *r, struct range k) =
  @   k.base + k.size <= r->to.v || r->to.v + r->size <= k.base;
  @ predicate in_range{L}(struct machine *m, struct guest_region *r) =
  @   \exists integer i; 0 <= i < m->range_count && no_wrap(m->ranges[i]) &&
  @     m->ranges[i].base <= r->to.v &&
  @     r->to.v + r->size <= m->ranges[i].base + m->ranges[i].size;
  @ predicate off_ranges{L}(struct machine *m, struct guest_region *r) =
  @   \forall integer i; 0 <= i < m->range_count ==>
  @     no_wrap(m->ranges[i]) && host_off(r, m->ranges[i]);
  @ predicate place_ok{L}(struct machine *m, struct guest_region *r) =
  @   r->kind == REGION_DEVICE ? off_ranges(m, r) : in_range(m, r);
  @ predicate off_ok{L}(struct machine *m, struct guest_region *r) =
  @   \forall integer i; 0 <= i < m->own_count ==> no_wrap(m->own[i]) && host_off(r, m->own[i]);
  @ predicate row_ok{L}(struct machine *m, struct guest_region *r) =
  @   spans_ok(r) && type_ok(r) && place_ok(m, r) && off_ok(m, r);
  @
  @ // All rows of a guest's map.
  @ logic integer ram_size{L}(struct guest_map *map, integer n) = n <= 0 ? 0 :
  @   ram_size(map, n - 1) + (map->rows[n - 1].kind == REGION_RAM ? map->rows[n - 1].size : 0);
  @ predicate in_order{L}(struct guest_map *map, integer i) =
  @   i > 0 ==> map->rows[i - 1].at.v + map->rows[i - 1].size <= map->rows[i].at.v;
  @ predicate ram_at{L}(struct guest_map *map, integer i) =
  @   map->rows[i].kind == REGION_RAM ==>
  @     map->rows[i].to.v == map->rows[0].to.v + ram_size(map, i);
  @ predicate rows_ok{L}(struct machine *m, struct guest_map *map, integer n) =
  @   \forall integer i; 0 <= i < n ==>
  @     row_ok(m, &map->rows[i]) && in_order(map, i) && ram_at(map, i);
  @ predicate map_ok{L}(struct machine *m, struct plan_guest *g) =
  @   g->map.rows[0].kind == REGION_RAM && g->map.rows[0].at.v == 0 &&
  @   (g->map.rows[0].to.v & 0x1fffff) == 0 && rows_ok(m, &g->map, g->map.count) &&
  @   ram_size(&g->map, g->map.count) == g->config->memory;
  @
  @ // All rows of all guests: whose they are.
  @ predicate spans_guest{L}(struct guest_map *map) = map->count <= GUEST_REGIONS_MAX &&
  @   \forall integer i; 0 <= i < map->count ==> spans_ok(&map->rows[i]);
  @ predicate rows_plan{L}(struct plan *p) =
  @   readable_guests(p) && p->guest_count <= GUESTS_MAX &&
  @   \forall integer g; 0 <= g < p->guest_count ==> spans_guest(&p->guests[g].map);
  @ predicate rows_apart{L}(struct guest_region *a, struct guest_region *b) =
  @   a->to.v + a->size <= b->to.v || b->to.v + b->size <= a->to.v;
  @ predicate same_shared{L}(struct guest_region *a, struct guest_region *b) =
  @   a->kind == REGION_SHARED && b->kind == REGION_SHARED && a->to.v == b->to.v &&
  @   a->size == b->size;
  @ predicate pair_ok{L}(struct plan *p, integer g, integer i, integer o, integer k) =
  @   (o == g && k == i) || rows_apart(&p->guests[g].map.rows[i], &p->guests[o].map.rows[k]) ||
  @   (o != g && same_shared(&p->guests[g].map.rows[i], &p->guests[o].map.rows[k]));
  @ predicate apart_from{L}(struct plan *p, integer g, integer i, integer o) =
  @   \forall integer k; 0 <= k < p->guests[o].map.count ==> pair_ok(p, g, i, o, k);
  @ predicate named_by{L}(struct plan *p, integer g, integer i, integer o) =
  @   \exists integer k; 0 <= k < p->guests[o].map.count &&
  @     same_shared(&p->guests[g].map.rows[i], &p->guests[o].map.rows[k]);
  @ predicate named_elsewhere{L}(struct plan *p, integer g, integer i) =
  @   \exists integer o; 0 <= o < p->guest_count && o != g && named_by(p, g, i, o);
  @ predicate owner_ok{L}(struct plan *p, integer g, integer i) =
  @   (\forall integer o; 0 <= o < p->guest_count ==> apart_from(p, g, i, o)) &&
  @   (p->guests[g].map.rows[i].kind == REGION_SHARED ==> named_elsewhere(p, g, i));
  @ predicate owners_ok{L}(struct plan *p, integer g) =
  @   \forall integer i; 0 <= i < p->guests[g].map.count ==> owner_ok(p, g, i);
  @
  @ // Images.
  @ predicate in_ram{L}(struct guest_map *map, integer at, integer size) =
  @   \exists integer i; 0 <= i < map->count && map->rows[i].kind == REGION_RAM &&
  @     map->rows[i].at.v <= at && at + size <= map->rows[i].at.v + map->rows[i].size;
  @ predicate piece_ok{L}(struct plan_guest *g, integer i) =
  @   g->image.pieces[i].size > 0 &&
  @   g->image.pieces[i].to.v + g->image.pieces[i].size <= UINT64_MAX &&
  @   in_ram(&g->map, g->image.pieces[i].to.v, g->image.pieces[i].size);
  @ predicate pieces_apart{L}(struct plan_guest *g, integer i, integer k) =
  @   g->image.pieces[i].to.v + g->image.pieces[i].size <= g->image.pieces[k].to.v ||
  @   g->image.pieces[k].to.v + g->image.pieces[k].size <= g->image.pieces[i].to.v;
  @ predicate image_ok{L}(struct plan_guest *g) =
  @   g->image.piece_count <= IMAGE_PIECES_MAX &&
  @   (\forall integer i; 0 <= i < g->image.piece_count ==> piece_ok(g, i)) &&
  @   (\forall integer i, k; 0 <= k < i < g->image.piece_count ==> pieces_apart(g, i, k));
  @
  @ // Disks.
  @ predicate is_kept{L}(struct machine *m, struct range r) =
  @   \exists integer i; 0 <= i < m->own_count && no_wrap(m->own[i]) && no_wrap(r) &&
  @     within(m->own[i], r);
  @ predicate is_disk{L}(struct plan_guest *g, integer d, integer i) =
  @   g->map.rows[i].kind == REGION_DISK && g->map.rows[i].at.v == g->disks[d].at.v &&
  @   g->map.rows[i].size >= g->disks[d].module->size &&
  @   (g->config->disks[d].read_only ==>
  @     g->map.rows[i].rights == 1 || g->map.rows[i].rights == 5) &&
  @   (g->disks[d].module->given ==> g->map.rows[i].to.v == g->disks[d].module->place.base &&
  @     g->map.rows[i].size == g->disks[d].module->place.size);
  @ predicate has_disk{L}(struct plan_guest *g, integer d) =
  @   \exists integer i; 0 <= i < g->map.count && is_disk(g, d, i);
  @ predicate is_other{L}(struct plan *p, integer g, integer d, integer o, integer k) =
  @   (o == g && k == d) || p->guests[o].disks[k].module != p->guests[g].disks[d].module;
  @ predicate is_sole{L}(struct plan *p, integer g, integer d) =
  @   \forall integer o, k; 0 <= o < p->guest_count && 0 <= k < DISKS_MAX ==>
  @     is_other(p, g, d, o, k);
  @ predicate disk_ok{L}(struct plan *p, struct machine *m, integer g, integer d) =
  @   \valid_read(p->guests[g].disks[d].module) && has_disk(&p->guests[g], d) &&
  @   (p->guests[g].disks[d].module->given ? is_sole(p, g, d)
  @     : is_kept(m, p->guests[g].disks[d].module->place)) &&
  @   (d > 0 ==> p->guests[g].disks[d - 1].at.v < p->guests[g].disks[d].at.v);
  @ predicate row_named{L}(struct plan_guest *g, integer i) =
  @   g->map.rows[i].kind == REGION_DISK ==> \exists integer d;
  @     0 <= d < g->config->disk_count && g->disks[d].at.v == g->map.rows[i].at.v;
  @ // Links.
  @ predicate side_ok{L}(struct config_link *c, integer s) =
  @   \forall integer k; 0 <= k < s ==> c->sides[k].guest != c->sides[s].guest;
  @ predicate sides_ok{L}(struct config_link *c) = c->side_count <= LINK_SIDES_MAX &&
  @   \forall integer s; 0 <= s < c->side_count ==> side_ok(c, s);
  @ predicate link_ok{L}(struct plan *p, integer l) = sides_ok(p->links[l].config) &&
  @   (p->links[l].config->memory > 0 ==>
  @     p->links[l].to.v + p->links[l].config->memory <= UINT64_MAX &&
  @     \forall integer k; 0 <= k < p->link_count && k != l && p->links[k].config->memory > 0 ==>
  @       p->links[l].to.v + p->links[l].config->memory <= p->links[k].to.v ||
  @       p->links[k].to.v + p->links[k].config->memory <= p->links[l].to.v);
  @ predicate is_end{L}(struct plan *p, integer g, struct plan_end *e) =
  @   e->link < p->link_count && e->side < p->links[e->link].config->side_count &&
  @   p->links[e->link].config->sides[e->side].guest == g;
  @ predicate end_once{L}(struct plan_guest *g, integer e) =
  @   \forall integer k; 0 <= k < e ==> g->ends[k].link != g->ends[e].link;
  @ predicate is_window{L}(struct plan *p, integer g, integer i, struct plan_end *e) =
  @   is_end(p, g, e) && p->guests[g].map.rows[i].at.v == e->at.v &&
  @   p->guests[g].map.rows[i].to.v == p->links[e->link].to.v &&
  @   p->guests[g].map.rows[i].size == p->links[e->link].config->memory &&
  @   (p->guests[g].map.rows[i].rights == 1 || (p->guests[g].map.rows[i].rights == 3 &&
  @     !p->links[e->link].config->sides[e->side].read_only));
  @ predicate row_linked{L}(struct plan *p, integer g, integer i) =
  @   p->guests[g].map.rows[i].kind == REGION_SHARED ==> \exists integer e;
  @     0 <= e < p->guests[g].end_count <= GUEST_LINKS_MAX &&
  @     is_window(p, g, i, &p->guests[g].ends[e]);
  @ predicate links_ok{L}(struct plan *p, integer g) =
  @   p->guests[g].end_count <= GUEST_LINKS_MAX &&
  @   (\forall integer e; 0 <= e < p->guests[g].end_count ==>
  @     is_end(p, g, &p->guests[g].ends[e]) && end_once(&p->guests[g], e)) &&
  @   (\forall integer i; 0 <= i < p->guests[g].map.count ==> row_linked(p, g, i));
  @
  @ predicate files_ok{L}(struct plan_guest *g) = \valid_read(g->image_module) &&
  @   !g->image_module->given && (\valid_read(g->initrd_module) ==> !g->initrd_module->given);
  @ predicate disks_ok{L}(struct plan *p, struct machine *m, integer g) =
  @   p->guests[g].config->disk_count <= DISKS_MAX && files_ok(&p->guests[g]) &&
  @   (\forall integer d; 0 <= d < p->guests[g].config->disk_count ==> disk_ok(p, m, g, d)) &&
  @   (\forall integer i; 0 <= i < p->guests[g].map.count ==> row_named(&p->guests[g], i));
  @*/
