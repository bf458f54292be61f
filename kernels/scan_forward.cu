// The scan, forward: h[k,t] = l x[k,t] + p0 h[k-1,t-1] + p1 h[k,t-1] + p2 h[k+1,t-1].
//
// scan.cuh says who owns what. A ring of tiles is filled in the background while the thread
// walks its lane through the tile at work; the result takes the place of x in the tile and
// leaves from there. The reference is vidprop/ops/scan/_reference.py, the tests are
// tests/kernels/test_scan_on_threads.py and tests/ops/test_scan_cuda.py.
#include "scan.cuh"

/// A stage of the ring holds the affinities, the injection, then x of every channel.
template <bool ACROSS>
struct Forward {
    static constexpr int X = TAPS + INJECTION, ARRAYS = X + CHANNELS, LINES = 1;

    const Walk& w;
    float* const lines;
    int turn = 0;
    float line[CHANNELS] = {};  // h of this lane at the step before

    __device__ static void load(const Scan& s, const Walk& w, const Item& item, TYPE* stage) {
        const Box box = box_to_load(w, item);
        const int first = w.group * CHANNELS;
#pragma unroll
        for (int k = 0; k < TAPS; ++k)
            load_tile<ACROSS>(stage + k * TILE, plane_of(s.affinity, w, first, k), box);
        if (INJECTION) load_tile<ACROSS>(stage + TAPS * TILE, plane_of(s.injection, w, first), box);
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            const bool live = first + c < s.channels;
            const Plane plane = plane_of(s.x, w, live ? first + c : 0);
            load_tile<ACROSS>(stage + (X + c) * TILE, plane, live ? box : nothing(box));
        }
    }

    __device__ static void store(const Scan& s, const Walk& w, const Item& item, const TYPE* stage) {
        const Box box = box_to_store(w, item);
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            const int channel = w.group * CHANNELS + c;
            if (channel >= s.channels) break;
            store_tile<ACROSS>(stage + (X + c) * TILE, plane_of(s.h, w, channel), box);
        }
    }

    __device__ void enter(const Scan&, const Item&) {}

    /// Walks PACK steps from place `at` of the tile on.
    __device__ void walk(const Item& item, int at, TYPE* stage) {
        Pack p[TAPS], injection, x[CHANNELS];
#pragma unroll
        for (int k = 0; k < TAPS; ++k) p[k] = fetch<ACROSS>(stage + k * TILE, at, w.reverse);
        if (INJECTION) injection = fetch<ACROSS>(stage + TAPS * TILE, at, w.reverse);
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) x[c] = fetch<ACROSS>(stage + (X + c) * TILE, at, w.reverse);
        const int lane = item.lane + static_cast<int>(threadIdx.x);
#pragma unroll
        for (int j = 0; j < PACK; ++j) {
            const int step = item.step + at + (w.reverse ? PACK - 1 - j : j);
            if (step >= w.steps) continue;
            float q[TAPS];
#pragma unroll
            for (int k = 0; k < TAPS; ++k) q[k] = widen(p[k].value[j]);
            settle(q, lane, w.lanes, step == (w.reverse ? w.steps - 1 : 0));
            const float share = INJECTION ? widen(injection.value[j]) : share_of(q);
            float source[CHANNELS];
#pragma unroll
            for (int c = 0; c < CHANNELS; ++c) source[c] = share * widen(x[c].value[j]);
            advance(q, source);
#pragma unroll
            for (int c = 0; c < CHANNELS; ++c) narrow(line[c], x[c].value[j]);
        }
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) put<ACROSS>(stage + (X + c) * TILE, at, w.reverse, x[c]);
    }

    __device__ void advance(const float (&p)[TAPS], const float (&source)[CHANNELS]) {
        // Two sets of lines in turn: a thread still reading the other one is one barrier behind.
        float* const mine = lines + turn * CHANNELS * LINE + threadIdx.x + 1;
        turn ^= 1;
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c)
            if (TAPS == 3) mine[c * LINE] = line[c];
        if (TAPS == 3) __syncthreads();
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            line[c] = source[c] + p[TAPS / 2] * line[c];
            if (TAPS == 3) line[c] += p[0] * mine[c * LINE - 1] + p[TAPS - 1] * mine[c * LINE + 1];
        }
    }
};

KERNEL __launch_bounds__(THREADS) scan_forward(const Scan s) {
    SHARED(shared);
    scan<Forward>(s, shared, false);
}
