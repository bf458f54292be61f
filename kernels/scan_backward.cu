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
                                int lanes) {
    if (LIMIT && scale < 1) {
        float along = 0;
#pragma unroll
        for (int k = 0; k < TAPS; ++k) along += grad[k] * p[k];
#pragma unroll
        for (int k = 0; k < TAPS; ++k)
            grad[k] = scale * (grad[k] - (p[k] > 0 ? along : p[k] < 0 ? -along : 0));
    }
    if (TAPS == 3 && lane == 0) grad[0] = 0;
    if (TAPS == 3 && lane == lanes - 1) grad[TAPS - 1] = 0;
}

/// A stage of the ring holds the affinities, the injection, then x, h and grad of every channel.
template <bool ACROSS>
struct Backward {
    static constexpr int X = TAPS + INJECTION, H = X + CHANNELS, GRAD = H + CHANNELS;
    static constexpr int ARRAYS = GRAD + CHANNELS, OUT = 0;
    static constexpr int LINES = 3;  // p0 d, p2 d and h of the line before

    const Walk& w;
    float* const lines;
    Plane in[ARRAYS], out[H];
    int live_in, live_out;  // fewer where the channels end within the block's
    float line[CHANNELS] = {};   // what the line after adds to d of this lane
    TYPE edge[CHANNELS] = {};    // h of this lane at the step before the tile

    __device__ Backward(const Scan& s, const Walk& walk, float* shared) : w(walk), lines(shared) {
        const int first = w.group * CHANNELS, last = static_cast<int>(s.channels) - 1;
        const int live = clamp(last + 1 - first, CHANNELS);
        live_in = GRAD + live;
        live_out = X + live;
#pragma unroll
        for (int k = 0; k < TAPS; ++k) {
            in[k] = plane_of(s.affinity, w, first, k);
            out[k] = plane_of(s.grad_affinity, w, w.group, k);
        }
        if (INJECTION) {
            in[TAPS] = plane_of(s.injection, w, first);
            out[TAPS] = plane_of(s.grad_injection, w, w.group);
        }
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            // A channel past the last one takes no part: its grad is left at 0.
            const int channel = first + c < last ? first + c : last;
            in[X + c] = plane_of(s.x, w, channel);
            in[GRAD + c] = plane_of(s.grad, w, channel);
            in[H + c] = plane_of(s.h, w, channel);
            out[X + c] = plane_of(s.grad_x, w, channel);
        }
    }

    /// Reads h just before the tile, early: its first use is in the tile's last step.
    __device__ void enter(const Item& item) {
        const int lane = item.lane + static_cast<int>(threadIdx.x);
        const int step = w.reverse ? item.step + item.count : item.step - 1;
        const bool inside = step >= 0 && step < w.steps && lane >= 0 && lane < w.lanes;
        const int64 row = ACROSS ? lane : step, column = ACROSS ? step : lane;
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            const Plane& h = in[H + c];
            edge[c] = inside ? h.at[row * h.row + column * h.column] : TYPE{};
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
            float q[TAPS], d[CHANNELS], was[CHANNELS], taken[CHANNELS], grad_p[TAPS] = {}, injected = 0;
#pragma unroll
            for (int k = 0; k < TAPS; ++k) q[k] = widen(p[k].value[j]);
            const float scale = settle(q, lane, w.lanes);
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
            retreat(q, d, was, taken, grad_p, lines + j % 2 * LINES * CHANNELS * LINE + threadIdx.x + 1);
            unsettle(grad_p, q, scale, lane, w.lanes);
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
    /// `mine` is this lane's place in one of two sets of lines, used in turn: a thread still
    /// reading the other one is at most one barrier behind.
    __device__ void retreat(const float (&p)[TAPS], const float (&d)[CHANNELS], const float (&was)[CHANNELS],
                            const float (&taken)[CHANNELS], float (&grad_p)[TAPS], float* mine) {
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

KERNEL __launch_bounds__(THREADS, 1) scan_backward(const Scan s) {
    SHARED(shared);
    scan<Backward>(s, shared, true);
}
