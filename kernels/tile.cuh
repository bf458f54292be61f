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

/// One image: where it starts, and the distance of its rows and of its columns.
struct Plane {
    TYPE* at;
    int64 row, column;
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

/// Row and column in the tile of the i-th piece of this thread, and how many of its elements lie in the box.
template <bool ACROSS>
__device__ inline int piece_of(int i, const Box& box, int& row, int& column) {
    constexpr int PER_ROW = (ACROSS ? STEPS : THREADS) / PIECE;
    const int piece = static_cast<int>(threadIdx.x) + i * THREADS;
    row = piece / PER_ROW;
    column = piece % PER_ROW * PIECE;
    // A box begins at a multiple of PIECE, so a piece is cut at its end only.
    if (row < box.row_begin || row >= box.row_end || column < box.column_begin) return 0;
    const int left = box.column_end - column;
    return left < 0 ? 0 : left < PIECE ? left : PIECE;
}

__device__ inline TYPE* pixel(const Plane& plane, const Box& box, int row, int column) {
    return plane.at + (box.row + row) * plane.row + (box.column + column) * plane.column;
}

/// Starts the copy of a box into a tile; elements outside the box become 0.
template <bool ACROSS>
__device__ inline void load_tile(TYPE* tile, const Plane& plane, const Box& box) {
#pragma unroll
    for (int i = 0; i < STEPS / PIECE; ++i) {
        int row, column;
        const int valid = piece_of<ACROSS>(i, box, row, column);
        const TYPE* from = valid ? pixel(plane, box, row, column) : plane.at;
        copy<VECTOR>(tile + offset<ACROSS>(row, column), from, valid * static_cast<int>(sizeof(TYPE)));
    }
}

/// Writes a box of a tile to memory.
template <bool ACROSS>
__device__ inline void store_tile(const TYPE* tile, const Plane& plane, const Box& box) {
#pragma unroll
    for (int i = 0; i < STEPS / PIECE; ++i) {
        int row, column;
        const int valid = piece_of<ACROSS>(i, box, row, column);
        if (!valid) continue;
        TYPE* to = pixel(plane, box, row, column);
        const TYPE* from = tile + offset<ACROSS>(row, column);
        if (valid == PIECE)
            *reinterpret_cast<Piece*>(to) = *reinterpret_cast<const Piece*>(from);
        else
            for (int j = 0; j < valid; ++j) to[j * plane.column] = from[j];
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
    } else {
#pragma unroll
        for (int j = 0; j < PACK; ++j) pack.value[j] = tile[offset<false>(at + j, threadIdx.x)];
    }
    if (reverse) flip(pack);
    return pack;
}

/// Puts back what `fetch` took.
template <bool ACROSS>
__device__ inline void put(TYPE* tile, int at, bool reverse, Pack pack) {
    if (reverse) flip(pack);
    if (ACROSS) {
        *reinterpret_cast<Pack*>(tile + offset<true>(threadIdx.x, at)) = pack;
    } else {
#pragma unroll
        for (int j = 0; j < PACK; ++j) tile[offset<false>(at + j, threadIdx.x)] = pack.value[j];
    }
}
