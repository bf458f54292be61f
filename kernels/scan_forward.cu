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
    static constexpr int X = TAPS + INJECTION, ARRAYS = X + CHANNELS, OUT = X, LINES = 1;

    const Walk& w;
    float* const lines;
    Plane in[ARRAYS], out[CHANNELS];
    int live_in, live_out;  // fewer where the channels end within the block's
    float line[CHANNELS] = {};  // h of this lane at the step before

    __device__ Forward(const Scan& s, const Walk& walk, float* shared) : w(walk), lines(shared) {
        const int first = w.group * CHANNELS;
        live_out = clamp(static_cast<int>(s.channels) - first, CHANNELS);
        live_in = X + live_out;
#pragma unroll
        for (int k = 0; k < TAPS; ++k) in[k] = plane_of(s.affinity, w, first, k);
        if (INJECTION) in[TAPS] = plane_of(s.injection, w, first);
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            in[X + c] = plane_of(s.x, w, first + c);
            out[c] = plane_of(s.h, w, first + c);
        }
    }

    __device__ void enter(const Item&) {}

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
            float q[TAPS], source[CHANNELS];
#pragma unroll
            for (int k = 0; k < TAPS; ++k) q[k] = widen(p[k].value[j]);
            settle(q, lane, w.lanes);
            const float share = INJECTION ? widen(injection.value[j]) : share_of(q);
#pragma unroll
            for (int c = 0; c < CHANNELS; ++c) source[c] = share * widen(x[c].value[j]);
            advance(q, source, lines + j % 2 * CHANNELS * LINE + threadIdx.x + 1);
#pragma unroll
            for (int c = 0; c < CHANNELS; ++c) narrow(line[c], x[c].value[j]);
        }
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) put<ACROSS>(stage + (X + c) * TILE, at, w.reverse, x[c]);
    }

    /// One step. `mine` is this lane's place in one of two sets of lines, used in turn: a thread
    /// still reading the other one is at most one barrier behind.
    __device__ void advance(const float (&p)[TAPS], const float (&source)[CHANNELS], float* mine) {
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c)
            if (TAPS == 3) mine[c * LINE] = line[c];
        if (TAPS == 3) __syncthreads();
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            line[c] = source[c] + p[TAPS / 2] * line[c];
            if (TAPS == 3) line[c] = line[c] + p[0] * mine[c * LINE - 1];
            if (TAPS == 3) line[c] = line[c] + p[TAPS - 1] * mine[c * LINE + 1];
        }
    }
};

KERNEL __launch_bounds__(THREADS, 1) scan_forward(const Scan s) {
    SHARED(shared);
    scan<Forward>(s, shared, false);
}
