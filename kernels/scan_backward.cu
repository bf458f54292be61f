// The scan, backward: the same walk from its last line to its first.
//
// With d the gradient of h once the line after has added its part,
//     d[k,t] = grad[k,t] + p0[k+1,t+1] d[k+1,t+1] + p1[k,t+1] d[k,t+1] + p2[k-1,t+1] d[k-1,t+1]
//     grad_x = l d,  grad_l = d x,  grad_p_i[k,t] = d[k,t] (h[k+i-1,t-1] - x[k,t])
// where the last lacks "- x" if the injection is given. What is shared by the channels of a
// block sums its gradient over them here; what is shared by several blocks gets one part from
// each (in grad_affinity's and grad_injection's channels), to be added afterwards in a fixed
// order. scan.cuh says who owns what; the gradients take the places of x, p and l in the tile.
// The reference is the autograd of vidprop/ops/scan/_reference.py, the tests are
// tests/kernels/test_scan_on_threads.py and tests/ops/test_scan_cuda.py.
#include "scan.cuh"

/// From the gradient of the settled affinities to that of the affinities as they were given.
__device__ inline void unsettle(float (&grad)[TAPS], const float (&p)[TAPS], float scale, int lane,
                                int lanes, bool first) {
    if (LIMIT && scale < 1) {
        float along = 0;
#pragma unroll
        for (int k = 0; k < TAPS; ++k) along += grad[k] * p[k];
#pragma unroll
        for (int k = 0; k < TAPS; ++k)
            grad[k] = scale * (grad[k] - (p[k] > 0 ? along : p[k] < 0 ? -along : 0));
    }
    if (first || (TAPS == 3 && lane == 0)) grad[0] = 0;
    if (TAPS == 3 && first) grad[TAPS / 2] = 0;
    if (TAPS == 3 && (first || lane == lanes - 1)) grad[TAPS - 1] = 0;
}

/// A stage of the ring holds the affinities, the injection, then x, h and grad of every channel.
template <bool ACROSS>
struct Backward {
    static constexpr int X = TAPS + INJECTION, H = X + CHANNELS, GRAD = H + CHANNELS;
    static constexpr int ARRAYS = GRAD + CHANNELS;
    static constexpr int LINES = 3;  // p0 d, p2 d and h of the line before

    const Walk& w;
    float* const lines;
    int turn = 0;
    float line[CHANNELS] = {};  // what the line after adds to d of this lane
    TYPE edge[CHANNELS] = {};   // h of this lane at the step before the tile

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
            const int channel = live ? first + c : 0;
            const Box part = live ? box : nothing(box);
            load_tile<ACROSS>(stage + (X + c) * TILE, plane_of(s.x, w, channel), part);
            load_tile<ACROSS>(stage + (H + c) * TILE, plane_of(s.h, w, channel), part);
            load_tile<ACROSS>(stage + (GRAD + c) * TILE, plane_of(s.grad, w, channel), part);
        }
    }

    __device__ static void store(const Scan& s, const Walk& w, const Item& item, const TYPE* stage) {
        const Box box = box_to_store(w, item);
#pragma unroll
        for (int k = 0; k < TAPS; ++k)
            store_tile<ACROSS>(stage + k * TILE, plane_of(s.grad_affinity, w, w.group, k), box);
        if (INJECTION)
            store_tile<ACROSS>(stage + TAPS * TILE, plane_of(s.grad_injection, w, w.group), box);
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            const int channel = w.group * CHANNELS + c;
            if (channel >= s.channels) break;
            store_tile<ACROSS>(stage + (X + c) * TILE, plane_of(s.grad_x, w, channel), box);
        }
    }

    __device__ void enter(const Scan& s, const Item& item) {
        const int lane = item.lane + static_cast<int>(threadIdx.x);
        const int step = w.reverse ? item.step + item.count : item.step - 1;
        const bool inside = step >= 0 && step < w.steps && lane >= 0 && lane < w.lanes;
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            const int channel = w.group * CHANNELS + c;
            edge[c] = TYPE{};
            if (!inside || channel >= s.channels) continue;
            const Plane h = plane_of(s.h, w, channel);
            edge[c] = h.at[(w.across ? lane : step) * h.row + (w.across ? step : lane) * h.column];
        }
    }

    /// Walks PACK steps back, to place `at` of the tile.
    __device__ void walk(const Item& item, int at, TYPE* stage) {
        Pack p[TAPS], injection, x[CHANNELS], h[CHANNELS], grad[CHANNELS];
        TYPE before[CHANNELS];
#pragma unroll
        for (int k = 0; k < TAPS; ++k) p[k] = fetch<ACROSS>(stage + k * TILE, at, w.reverse);
        if (INJECTION) injection = fetch<ACROSS>(stage + TAPS * TILE, at, w.reverse);
        const int place = w.reverse ? at + PACK : at - 1;
        const bool outside = place < 0 || place >= item.count;
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            x[c] = fetch<ACROSS>(stage + (X + c) * TILE, at, w.reverse);
            h[c] = fetch<ACROSS>(stage + (H + c) * TILE, at, w.reverse);
            grad[c] = fetch<ACROSS>(stage + (GRAD + c) * TILE, at, w.reverse);
            const TYPE* const tile = stage + (H + c) * TILE;
            before[c] = outside ? edge[c] : tile[offset_of_lane<ACROSS>(threadIdx.x, place)];
        }
        const int lane = item.lane + static_cast<int>(threadIdx.x);
#pragma unroll
        for (int j = PACK - 1; j >= 0; --j) {
            const int step = item.step + at + (w.reverse ? PACK - 1 - j : j);
            if (step >= w.steps) continue;
            const bool first = step == (w.reverse ? w.steps - 1 : 0);
            float q[TAPS], d[CHANNELS], was[CHANNELS], taken[CHANNELS], injected = 0;
#pragma unroll
            for (int k = 0; k < TAPS; ++k) q[k] = widen(p[k].value[j]);
            const float scale = settle(q, lane, w.lanes, first);
            const float share = INJECTION ? widen(injection.value[j]) : share_of(q);
#pragma unroll
            for (int c = 0; c < CHANNELS; ++c) {
                const float input = widen(x[c].value[j]);
                d[c] = widen(grad[c].value[j]) + line[c];
                was[c] = widen(j > 0 ? h[c].value[j > 0 ? j - 1 : 0] : before[c]);
                taken[c] = INJECTION ? 0 : input;
                injected += d[c] * input;
                narrow(share * d[c], x[c].value[j]);
            }
            float grad_p[TAPS] = {};
            retreat(q, d, was, taken, grad_p);
            unsettle(grad_p, q, scale, lane, w.lanes, first);
#pragma unroll
            for (int k = 0; k < TAPS; ++k) narrow(grad_p[k], p[k].value[j]);
            if (INJECTION) narrow(injected, injection.value[j]);
        }
#pragma unroll
        for (int k = 0; k < TAPS; ++k) put<ACROSS>(stage + k * TILE, at, w.reverse, p[k]);
        if (INJECTION) put<ACROSS>(stage + TAPS * TILE, at, w.reverse, injection);
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) put<ACROSS>(stage + (X + c) * TILE, at, w.reverse, x[c]);
    }

    /// Hands d to the line before, and takes that line's h for the gradient of the affinities.
    __device__ void retreat(const float (&p)[TAPS], const float (&d)[CHANNELS], const float (&was)[CHANNELS],
                            const float (&taken)[CHANNELS], float (&grad_p)[TAPS]) {
        // Two sets of lines in turn: a thread still reading the other one is one barrier behind.
        float* const mine = lines + turn * LINES * CHANNELS * LINE + threadIdx.x + 1;
        turn ^= 1;
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            line[c] = p[TAPS / 2] * d[c];
            grad_p[TAPS / 2] += d[c] * (was[c] - taken[c]);
            if (TAPS == 1) continue;
            mine[(3 * c) * LINE] = p[0] * d[c];
            mine[(3 * c + 1) * LINE] = p[TAPS - 1] * d[c];
            mine[(3 * c + 2) * LINE] = was[c];
        }
        if (TAPS == 1) return;
        __syncthreads();
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            line[c] += mine[(3 * c) * LINE + 1] + mine[(3 * c + 1) * LINE - 1];
            grad_p[0] += d[c] * (mine[(3 * c + 2) * LINE - 1] - taken[c]);
            grad_p[TAPS - 1] += d[c] * (mine[(3 * c + 2) * LINE + 1] - taken[c]);
        }
    }
};

KERNEL __launch_bounds__(THREADS) scan_backward(const Scan s) {
    SHARED(shared);
    scan<Backward>(s, shared, true);
}
