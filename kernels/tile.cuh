// Tiles of THREADS lanes x STEPS steps in shared memory, for scans along rows and along columns.
//
// Memory is always walked along its rows, whatever the direction of the scan, so global
// access is coalesced. A tile whose lanes are rows (ACROSS) keeps each lane's steps together,
// in chunks of 16 bytes that are swizzled so that eight lanes reading the same chunk meet
// all 32 banks; a tile whose lanes are columns keeps each step's lanes together.
#pragma once
#include "device.cuh"

#ifndef THREADS
#define THREADS 256  // lanes of a tile, halo included; a multiple of 32
#endif
#ifndef SEGMENT
#define SEGMENT 32  // bytes of a lane in a tile: 16, 32, 64 or 128
#endif

constexpr int STEPS = SEGMENT / sizeof(TYPE);
constexpr int PACK = 16 / sizeof(TYPE);
constexpr int PACKS = STEPS / PACK;
constexpr int TILE = THREADS * STEPS;

struct alignas(16) Pack {
    TYPE value[PACK];
};

/// One image: where it starts, and the distance of its rows and of its columns. Within an
/// image 32 bits reach every pixel, from tensor to image they need not.
struct Plane {
    TYPE* at;
    int row, column;
};

/// The part of a tile that holds pixels, and the pixel of the tile's first element.
struct Box {
    int row, column;
    int row_begin, row_end, column_begin, column_end;
};

template <bool ACROSS>
__device__ inline int offset(int row, int column) {
    if (!ACROSS) return row * THREADS + column;
    const int swizzle = row / (8 / PACKS) & (PACKS - 1);
    return row * STEPS + ((column / PACK) ^ swizzle) * PACK + column % PACK;
}

/// A lane's element at a place along the steps.
template <bool ACROSS>
__device__ inline int offset_of_lane(int lane, int step) {
    return ACROSS ? offset<true>(lane, step) : offset<false>(step, lane);
}

/// The i-th piece of a tile that this thread copies: where it is in the tile, and whether in the box.
struct Part {
    int row, column;
    bool inside;
};

template <bool ACROSS>
__device__ inline Part part_of(int i, const Box& box) {
    constexpr int PER_ROW = (ACROSS ? STEPS : THREADS) / PIECE;
    const int piece = static_cast<int>(threadIdx.x) + i * THREADS;
    Part part{piece / PER_ROW, piece % PER_ROW * PIECE, false};
    // A box begins and ends at multiples of PIECE, so no piece is cut.
    part.inside = part.row >= box.row_begin && part.row < box.row_end &&
                  part.column >= box.column_begin && part.column < box.column_end;
    return part;
}

__device__ inline TYPE* pixel(const Plane& plane, const Box& box, const Part& part) {
    const int column = box.column + part.column;
    // Only neighbouring columns are copied several at a time.
    return plane.at + ((box.row + part.row) * plane.row + (PIECE > 1 ? column : column * plane.column));
}

/// Starts the copies of a box of every plane into its tile; elements outside the box, and planes
/// from `live` on, become 0. Planes from KEPT to before KEPT_END are read by other blocks too.
template <bool ACROSS, int KEPT, int KEPT_END, int COUNT>
__device__ inline void load_tiles(TYPE* tiles, const Plane (&planes)[COUNT], const Box& box, int live) {
#pragma unroll
    for (int i = 0; i < STEPS / PIECE; ++i) {
        const Part part = part_of<ACROSS>(i, box);
        TYPE* const to = tiles + offset<ACROSS>(part.row, part.column);
#pragma unroll
        for (int a = 0; a < COUNT; ++a)
            copy<VECTOR>(to + a * TILE, pixel(planes[a], box, part), part.inside && a < live,
                         a < KEPT || a >= KEPT_END);
    }
}

/// Writes a box of every tile to its plane, up to the one before `live`.
template <bool ACROSS, int COUNT>
__device__ inline void store_tiles(const TYPE* tiles, const Plane (&planes)[COUNT], const Box& box, int live) {
#pragma unroll
    for (int i = 0; i < STEPS / PIECE; ++i) {
        const Part part = part_of<ACROSS>(i, box);
        const TYPE* const from = tiles + offset<ACROSS>(part.row, part.column);
        if (!part.inside) continue;
#pragma unroll
        for (int a = 0; a < COUNT; ++a)
            if (a < live) store<VECTOR>(pixel(planes[a], box, part), from + a * TILE);
    }
}

__device__ inline void flip(Pack& pack) {
#pragma unroll
    for (int j = 0; j < PACK / 2; ++j) {
        const TYPE first = pack.value[j];
        pack.value[j] = pack.value[PACK - 1 - j];
        pack.value[PACK - 1 - j] = first;
    }
}

/// PACK steps of this thread's lane from place `at` on, in the order of the scan.
template <bool ACROSS>
__device__ inline Pack fetch(const TYPE* tile, int at, bool reverse) {
    Pack pack;
    if (ACROSS) {
        pack = *reinterpret_cast<const Pack*>(tile + offset<true>(threadIdx.x, at));
        if (reverse) flip(pack);
    } else {
#pragma unroll
        for (int j = 0; j < PACK; ++j)
            pack.value[j] = tile[offset<false>(at + (reverse ? PACK - 1 - j : j), threadIdx.x)];
    }
    return pack;
}

/// Puts back what `fetch` took.
template <bool ACROSS>
__device__ inline void put(TYPE* tile, int at, bool reverse, Pack pack) {
    if (ACROSS) {
        if (reverse) flip(pack);
        *reinterpret_cast<Pack*>(tile + offset<true>(threadIdx.x, at)) = pack;
    } else {
#pragma unroll
        for (int j = 0; j < PACK; ++j)
            tile[offset<false>(at + (reverse ? PACK - 1 - j : j), threadIdx.x)] = pack.value[j];
    }
}
