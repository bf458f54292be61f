// What the forward and the backward scan share: the arguments, who owns what, the walk.
//
// A block owns CHANNELS channels of one image in one direction, or, in a team, its share of
// their lanes; a thread owns a lane of each. The block walks the frame in chunks of STEPS
// steps, and a chunk in strips of lanes. A strip that is not the whole line carries a halo of
// STEPS lanes on either side: a step uses neighbours one lane off, so what is wrong at the
// rim of the tile creeps inwards by one lane a step and has not reached the strip when the
// chunk ends. Strips of a chunk therefore need nothing of each other.
#pragma once
#include "tile.cuh"

#ifndef STAGES
#define STAGES 3  // tiles in shared memory: one at work, the others on their way; at least 2
#endif
#ifndef CHANNELS
#define CHANNELS 1  // channels of a block; past 1 only where they share their affinities
#endif
#ifndef TAPS
#define TAPS 3  // or 1: the one-way connection
#endif
#ifndef INJECTION
#define INJECTION 0  // 1: given; 0: one minus the sum of the affinities
#endif
#ifndef LIMIT
#define LIMIT 0  // 1: affinities are divided by the sum of their magnitudes where it is past 1
#endif

constexpr int LINE = THREADS + 2;  // a value a lane, and one outside at either end

struct Scan {
    View x, affinity, injection, h;
    View grad, grad_x, grad_affinity, grad_injection;
    float* carry;  // [block or team, 2, CHANNELS, longer side], where a line has several strips
    int64 channels, height, width;
    int64 first, directions;  // the first direction, and how many follow it from there
};

struct Walk {
    int image, direction, group;  // direction counts from the first one of this launch
    bool across, reverse, backward;
    int lanes, steps, chunks;
    int strips, own, halo;
    int member, mine;
};

struct Item {
    int chunk, turn;        // chunks walked before it, and strips of its chunk
    int lane, step, count;  // its first lane and step in memory, and how many steps
};

__device__ inline Walk walk_of(const Scan& s, bool backward) {
    Walk w;
    int block = blockIdx.x / TEAM;
    w.direction = block % static_cast<int>(s.directions);
    block /= static_cast<int>(s.directions);
    const int groups = static_cast<int>((s.channels + CHANNELS - 1) / CHANNELS);
    w.group = block % groups;
    w.image = block / groups;
    const int kind = static_cast<int>(s.first) + w.direction;
    w.across = kind < 2;
    w.reverse = kind & 1;
    w.backward = backward;
    w.lanes = static_cast<int>(w.across ? s.height : s.width);
    w.steps = static_cast<int>(w.across ? s.width : s.height);
    w.chunks = (w.steps + STEPS - 1) / STEPS;
    w.halo = TAPS == 1 || (TEAM == 1 && w.lanes <= THREADS) ? 0 : STEPS;
    const int room = THREADS - 2 * w.halo, needed = (w.lanes + room - 1) / room;
    w.strips = (needed + TEAM - 1) / TEAM * TEAM;
    w.own = ((w.lanes + w.strips - 1) / w.strips + PACK - 1) / PACK * PACK;
    w.member = team_member();
    w.mine = w.strips / TEAM;
    return w;
}

/// The tile that this block walks after `count` chunks and `turn` strips of the next.
__device__ inline Item item_of(const Walk& w, int count, int turn) {
    Item item;
    item.turn = turn;
    item.chunk = count;
    const int chunk = w.reverse != w.backward ? w.chunks - 1 - count : count;
    item.lane = (turn * TEAM + w.member) * w.own - w.halo;
    item.step = chunk * STEPS;
    item.count = w.steps - item.step < STEPS ? w.steps - item.step : STEPS;
    return item;
}

__device__ inline Item item_after(const Walk& w, const Item& item) {
    return item.turn + 1 < w.mine ? item_of(w, item.chunk, item.turn + 1) : item_of(w, item.chunk + 1, 0);
}

__device__ inline int clamp(int value, int top) { return value < 0 ? 0 : value > top ? top : value; }

/// The pixels of a tile from its lane `begin` to its lane `end`.
__device__ inline Box box_of(const Walk& w, const Item& item, int begin, int end) {
    const int low = clamp(-item.lane, THREADS), high = clamp(w.lanes - item.lane, THREADS);
    begin = begin < low ? low : begin;
    end = end < high ? end : high;
    if (w.across) return {item.lane, item.step, begin, end, 0, item.count};
    return {item.step, item.lane, 0, item.count, begin, end};
}

__device__ inline Box box_to_load(const Walk& w, const Item& item) { return box_of(w, item, 0, THREADS); }

__device__ inline Box box_to_store(const Walk& w, const Item& item) {
    return box_of(w, item, w.halo, w.halo + w.own);
}

__device__ inline Plane plane_of(const View& v, const Walk& w, int channel, int tap = 0) {
    return {v.at + w.image * v.image + w.direction * v.direction + channel * v.channel + tap * v.tap,
            static_cast<int>(v.row), static_cast<int>(v.column)};
}

__device__ inline float* carry_of(const Scan& s, int chunk, int channel, int lane) {
    const int64 longer = s.height > s.width ? s.height : s.width;
    const int64 line = (static_cast<int64>(blockIdx.x / TEAM) * 2 + (chunk & 1)) * CHANNELS + channel;
    return s.carry + line * longer + lane;
}

/// Whether this thread's lane is one that its strip answers for.
__device__ inline bool owns(const Walk& w, const Item& item) {
    const int thread = static_cast<int>(threadIdx.x), lane = item.lane + thread;
    return thread >= w.halo && thread < w.halo + w.own && lane < w.lanes;
}

/// Zeros what this thread's affinities, or their gradients, are in the frame's first line:
/// nothing comes before it.
template <bool ACROSS>
__device__ inline void clear_first(const Walk& w, const Item& item, TYPE* stage) {
    const int place = (w.reverse ? w.steps - 1 : 0) - item.step;
    if (place < 0 || place >= item.count) return;
    for (int k = 0; k < TAPS; ++k) stage[k * TILE + offset_of_lane<ACROSS>(threadIdx.x, place)] = TYPE{};
}

/// Takes affinities to what a step uses, 0 outside the frame; returns what they were multiplied by.
__device__ inline float settle(float (&p)[TAPS], int lane, int lanes) {
    if (TAPS == 3 && lane == 0) p[0] = 0;
    if (TAPS == 3 && lane == lanes - 1) p[TAPS - 1] = 0;
    if (!LIMIT) return 1;
    float total = 0;
#pragma unroll
    for (int k = 0; k < TAPS; ++k) total += p[k] < 0 ? -p[k] : p[k];
    const float scale = total > 1 ? 1 / total : 1;
#pragma unroll
    for (int k = 0; k < TAPS; ++k) p[k] *= scale;
    return scale;
}

__device__ inline float share_of(const float (&p)[TAPS]) {
    return TAPS == 3 ? 1 - (p[0] + p[TAPS / 2] + p[TAPS - 1]) : 1 - p[0];
}

/// Walks a frame with a Pass, which says what lies in a stage of the ring and what a step does.
template <bool ACROSS, class Pass>
__device__ inline void walk_frame(const Scan& s, const Walk& w, TYPE* ring, float* lines) {
    constexpr int STAGE = Pass::ARRAYS * TILE;
    Pass pass(s, w, lines);
    Item item = item_of(w, 0, 0), next = item;
    TYPE *stage = ring, *next_stage = ring;
    const auto load_next = [&] {
        if (next.chunk < w.chunks)
            // The other directions read x too.
            load_tiles<ACROSS, Pass::X, Pass::X + CHANNELS>(next_stage, pass.in, box_to_load(w, next),
                                                            pass.live_in);
        copies_end();
        next = item_after(w, next);
        next_stage = next_stage == ring + (STAGES - 1) * STAGE ? ring : next_stage + STAGE;
    };
    for (int i = 0; i < STAGES - 1; ++i) load_next();
    while (item.chunk < w.chunks) {
        const int lane = item.lane + static_cast<int>(threadIdx.x);
        pass.enter(item);
        copies_wait<STAGES - 2>();
        // This tile is there, and nobody still stores the one whose place is filled next.
        __syncthreads();
        load_next();
        if (w.strips > 1)
            for (int c = 0; c < CHANNELS; ++c)
                pass.line[c] = item.chunk > 0 && lane >= 0 && lane < w.lanes
                                   ? read_fresh(carry_of(s, item.chunk - 1, c, lane)) : 0;
        clear_first<ACROSS>(w, item, stage);
#pragma unroll 1
        for (int v = 0; v < PACKS; ++v) {
            const int at = (w.reverse != w.backward ? PACKS - 1 - v : v) * PACK;
            // Steps past the frame's end read 0 and leave 0: they do no harm before it nor after.
            if (at < item.count) pass.walk(item, at, stage);
        }
        if (w.backward) clear_first<ACROSS>(w, item, stage);
        if (w.strips > 1 && owns(w, item))
            for (int c = 0; c < CHANNELS; ++c) *carry_of(s, item.chunk, c, lane) = pass.line[c];
        __syncthreads();
        store_tiles<ACROSS>(stage + Pass::OUT * TILE, pass.out, box_to_store(w, item), pass.live_out);
        if (item.turn + 1 == w.mine) team_barrier();
        item = item_after(w, item);
        stage = stage == ring + (STAGES - 1) * STAGE ? ring : stage + STAGE;
    }
}

/// The kernel's body. In shared memory: LINES lines of every channel, twice; then the ring.
template <template <bool> class Pass>
__device__ inline void scan(const Scan& s, unsigned char* shared, bool backward) {
    constexpr int COUNT = TAPS == 3 ? 2 * Pass<true>::LINES * CHANNELS : 0;
    constexpr int BYTES = (COUNT * LINE * sizeof(float) + 15) / 16 * 16;
    float* const lines = reinterpret_cast<float*>(shared);
    TYPE* const ring = reinterpret_cast<TYPE*>(shared + BYTES);
    // Nothing comes from outside the tile: its ends are the frame's, or a halo's rim.
    if (static_cast<int>(threadIdx.x) < COUNT)
        lines[threadIdx.x * LINE] = lines[threadIdx.x * LINE + LINE - 1] = 0;
    const Walk w = walk_of(s, backward);
    if (w.across)
        walk_frame<true, Pass<true>>(s, w, ring, lines);
    else
        walk_frame<false, Pass<false>>(s, w, ring, lines);
}
