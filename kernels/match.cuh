// The windowed match: who owns what, and the walk over windows that forward and backward share.
//
// A block owns TILE x TILE pixels, a thread a PAIR of them one above the other. Neighbours mostly
// look at neighbouring places, so a block first copies the box around its windows into shared
// memory, where threads side by side meet all banks; a box that does not fit is left where it is
// and read through the first-level cache. A pair whose windows overlap reads every place once.
// Nothing is added atomically. The reference is vidprop/ops/match/_reference.py, the tests are
// tests/kernels/test_match_on_threads.py and tests/ops/test_match_cuda.py.
#pragma once
#include "device.cuh"

#ifndef FEATURES
#define FEATURES 16
#endif
#ifndef VALUES
#define VALUES 5
#endif
#ifndef FEATURE_WIDE
#define FEATURE_WIDE 4  // floats copied at a time: what divides FEATURES and every address
#endif
#ifndef VALUE_WIDE
#define VALUE_WIDE 1
#endif
#ifndef CAPACITY
#define CAPACITY 786  // places that shared memory holds, 2 past a multiple of 8; 0: none
#endif

constexpr int TILE = 16, PAIR = 2, THREADS = TILE * TILE / PAIR;

/// Everything dense, channels last, in float32.
struct Match {
    const float *query, *key, *value, *bias;  // [N, H, W, F], [N, h, w, F], [N, h, w, V], [side * side]
    const int* centre;                        // [N, H, W, 2]: column, row
    float *out, *score;                       // [N, H, W, V], [N, H, W]
    const float *grad_out, *grad_score;
    float* offset;                    // [N, H, W]: grad_score less the mean of grad_out . value
    const int64 *order, *starts;      // pixels in order of their centres; where each centre's begin
    float *grad_query, *grad_key, *grad_value, *grad_bias;
    int64 images, height, width, rows, columns, radius;
};

/// Columns x0 to x1 and rows y0 to y1, the last ones left out.
struct Box {
    int x0, y0, x1, y1;
};

template <int COUNT>
struct alignas(4 * COUNT) Floats {
    float value[COUNT];
};

#ifndef HOST
__device__ inline float power_of_2(float x) {
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
    return power;
}

/// a or b, both computed: a branch would part what runs side by side.
__device__ inline float choose(bool first, float a, float b) {
    float chosen;
    asm("{.reg .pred p; setp.ne.s32 p, %3, 0; selp.f32 %0, %1, %2, p;}"
        : "=f"(chosen) : "f"(a), "f"(b), "r"(static_cast<int>(first)));
    return chosen;
}
#endif

__device__ inline float exponential(float x) { return power_of_2(x * 1.4426950408889634f); }

__device__ inline int smaller(int a, int b) { return a < b ? a : b; }
__device__ inline int larger(int a, int b) { return a > b ? a : b; }
__device__ inline int width_of(const Box& b) { return b.x1 - b.x0; }
__device__ inline bool empty(const Box& b) { return b.x0 >= b.x1 || b.y0 >= b.y1; }
__device__ inline int64 area(const Box& b) { return static_cast<int64>(b.x1 - b.x0) * (b.y1 - b.y0); }

__device__ inline Box around(const Box& a, const Box& b) {
    if (empty(a)) return b;
    if (empty(b)) return a;
    return {smaller(a.x0, b.x0), smaller(a.y0, b.y0), larger(a.x1, b.x1), larger(a.y1, b.y1)};
}

template <int COUNT, int WIDE>
__device__ inline void load(const float* from, float (&to)[COUNT]) {
#pragma unroll
    for (int i = 0; i < COUNT; i += WIDE) {
        const Floats<WIDE> piece = *reinterpret_cast<const Floats<WIDE>*>(from + i);
#pragma unroll
        for (int j = 0; j < WIDE; ++j) to[i + j] = piece.value[j];
    }
}

template <int COUNT, int WIDE>
__device__ inline void save(const float (&from)[COUNT], float* to) {
#pragma unroll
    for (int i = 0; i < COUNT; i += WIDE) {
        Floats<WIDE> piece;
#pragma unroll
        for (int j = 0; j < WIDE; ++j) piece.value[j] = from[i + j];
        *reinterpret_cast<Floats<WIDE>*>(to + i) = piece;
    }
}

/// Four sums side by side: a shorter chain, and less rounding.
template <int COUNT>
__device__ inline float dot(const float (&a)[COUNT], const float (&b)[COUNT]) {
    float sum[4] = {};
#pragma unroll
    for (int i = 0; i < COUNT; ++i) sum[i % 4] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

template <int COUNT>
__device__ inline void add(float weight, const float (&from)[COUNT], float (&to)[COUNT]) {
#pragma unroll
    for (int i = 0; i < COUNT; ++i) to[i] += weight * from[i];
}

/// Vectors of the places of a box in shared memory: planes of four channels, then of one.
template <int COUNT>
struct Planes {
    static constexpr int FOURS = COUNT / 4 * 4;
    float* at;

    __device__ float* channel(int place, int c) const {
        if (c < FOURS) return at + (c / 4 * CAPACITY + place) * 4 + c % 4;
        return at + c * CAPACITY + place;
    }

    __device__ void get(int place, float (&to)[COUNT]) const {
#pragma unroll
        for (int c = 0; c < FOURS; c += 4) {
            const Floats<4> four = *reinterpret_cast<const Floats<4>*>(channel(place, c));
#pragma unroll
            for (int j = 0; j < 4; ++j) to[c + j] = four.value[j];
        }
#pragma unroll
        for (int c = FOURS; c < COUNT; ++c) to[c] = *channel(place, c);
    }

    /// Begins to copy a box of an image whose rows are `columns` long, WIDE channels at a time.
    template <int WIDE>
    __device__ void fill(const Box& box, const float* image, int64 columns) const {
        constexpr int PIECES = COUNT / WIDE;
        const int across = width_of(box) * PIECES;
        for (int y = box.y0; y < box.y1; ++y) {
            const float* const row = image + (y * columns + box.x0) * COUNT;
            const int first = (y - box.y0) * width_of(box);
            for (int i = threadIdx.x; i < across; i += THREADS) {
                const int place = first + i / PIECES, c = i % PIECES * WIDE;
#pragma unroll
                for (int j = 0; j < WIDE; j += WIDE == 4 ? 4 : 1)
                    copy<WIDE == 4 ? 16 : 4>(channel(place, c + j), row + i * WIDE + j, true, false);
            }
        }
    }
};

/// The pixels of a thread and their windows.
struct Pair {
    int64 image, pixel[PAIR];
    bool inside[PAIR];
    int left[PAIR], top[PAIR];  // where the windows begin, inside the frame or not
    Box window[PAIR];           // what of them lies inside

    __device__ explicit Pair(const Match& m) {
        const int64 across = (m.width + TILE - 1) / TILE, down = (m.height + TILE - 1) / TILE;
        const int64 tile = blockIdx.x;
        image = tile / (across * down);
        const int64 x = tile % across * TILE + threadIdx.x % TILE;
        const int64 y = tile / across % down * TILE + threadIdx.x / TILE * PAIR;
        const int side = static_cast<int>(2 * m.radius + 1);
#pragma unroll
        for (int p = 0; p < PAIR; ++p) {
            inside[p] = x < m.width && y + p < m.height;
            pixel[p] = (image * m.height + y + p) * m.width + x;
            window[p] = {0, 0, 0, 0};
            left[p] = top[p] = 0;
            if (!inside[p]) continue;
            left[p] = begin(m.centre[2 * pixel[p]], m.radius);
            top[p] = begin(m.centre[2 * pixel[p] + 1], m.radius);
            window[p] = {larger(left[p], 0), larger(top[p], 0),
                         smaller(left[p] + side, static_cast<int>(m.columns)),
                         smaller(top[p] + side, static_cast<int>(m.rows))};
        }
    }

    /// No frame reaches as far as the limit, so that sums stay within 32 bits.
    __device__ static int begin(int centre, int64 radius) {
        constexpr int FAR = 1 << 29;
        return larger(-FAR, smaller(FAR, centre)) - static_cast<int>(radius);
    }
};

/// The reference as a block sees it: in shared memory if the box around all its windows fits.
struct Stage {
    Box box;
    bool staged;
    Planes<FEATURES> key;
    Planes<VALUES> value;
    const float *far_key, *far_value;

    __device__ Stage(const Match& m, const Pair& pair, unsigned char* memory) {
        const int64 first = pair.image * m.rows * m.columns;
        far_key = m.key + first * FEATURES;
        far_value = m.value + first * VALUES;
        key.at = reinterpret_cast<float*>(memory);
        value.at = key.at + (FEATURES * CAPACITY + 3) / 4 * 4;
        staged = false;
        if (CAPACITY == 0) return;
        Box* const boxes = reinterpret_cast<Box*>(memory);  // where places will be
        box = around(pair.window[0], pair.window[1]);
        boxes[threadIdx.x] = box;
        for (int half = THREADS / 2; half > 0; half /= 2) {
            __syncthreads();
            if (static_cast<int>(threadIdx.x) >= half) continue;
            box = around(box, boxes[threadIdx.x + half]);
            boxes[threadIdx.x] = box;
        }
        __syncthreads();
        box = boxes[0];
        staged = !empty(box) && area(box) <= CAPACITY;
        if (!staged) return;
        // Every thread has read the box before places are written over it.
        __syncthreads();
        key.fill<FEATURE_WIDE>(box, far_key, m.columns);
        value.fill<VALUE_WIDE>(box, far_value, m.columns);
        copies_end();
        copies_wait<0>();
        // Every place is there before any thread reads it.
        __syncthreads();
    }
};

/// One row of a box, for the windows whose bits are in MASK.
template <bool STAGED, int MASK, class Body>
__device__ inline void walk_row(const Match& m, const Stage& stage, const Pair& pair, const Box& box, int y,
                                const Body& body) {
    const unsigned side = static_cast<unsigned>(2 * m.radius + 1);
    const float* bias[PAIR];
#pragma unroll
    for (int p = 0; p < PAIR; ++p) bias[p] = m.bias + (MASK >> p & 1 ? y - pair.top[p] : 0) * side;
    const int near = (y - stage.box.y0) * width_of(stage.box) - stage.box.x0;
    const int64 far = y * m.columns;
    for (int x = box.x0; x < box.x1; ++x) {
        float key[FEATURES], value[VALUES];
        if (STAGED) {
            stage.key.get(near + x, key);
            stage.value.get(near + x, value);
        } else {
            load<FEATURES, FEATURE_WIDE>(stage.far_key + (far + x) * FEATURES, key);
            load<VALUES, VALUE_WIDE>(stage.far_value + (far + x) * VALUES, value);
        }
#pragma unroll
        for (int p = 0; p < PAIR; ++p) {
            if (!(MASK >> p & 1)) continue;
            const unsigned column = static_cast<unsigned>(x - pair.left[p]);
            const bool in = column < side;
            body(p, key, value, bias[p][in ? column : 0], in);
        }
    }
}

template <bool STAGED, class Body>
__device__ inline void walk(const Match& m, const Stage& stage, const Pair& pair, const Body& body) {
    const unsigned side = static_cast<unsigned>(2 * m.radius + 1);
    const Box whole = around(pair.window[0], pair.window[1]);
    // Together only if that reads no more than one after the other would.
    const bool together = area(whole) <= static_cast<int64>(PAIR) * side * side;
    for (int turn = 0; turn < (together ? 1 : PAIR); ++turn) {
        const Box box = together ? whole : turn ? pair.window[1] : pair.window[0];
        for (int y = box.y0; y < box.y1; ++y) {
            int mask = 0;
#pragma unroll
            for (int p = 0; p < PAIR; ++p) {
                const bool crosses = y >= pair.window[p].y0 && y < pair.window[p].y1;
                mask |= (crosses && (together || p == turn)) << p;
            }
            if (mask == 3) walk_row<STAGED, 3>(m, stage, pair, box, y, body);
            if (mask == 1) walk_row<STAGED, 1>(m, stage, pair, box, y, body);
            if (mask == 2) walk_row<STAGED, 2>(m, stage, pair, box, y, body);
        }
    }
}

/// Calls body(p, key, value, bias, in) for every place of window p, and for some others with `in`
/// false. No branch parts the two pixels of a row, so that they hide each other's waits.
template <class Body>
__device__ inline void walk(const Match& m, const Stage& stage, const Pair& pair, const Body& body) {
    if (stage.staged)
        walk<true>(m, stage, pair, body);
    else
        walk<false>(m, stage, pair, body);
}
