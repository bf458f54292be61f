// The published scheme, for comparison only: one launch a step, one thread a lane of a plane.
//
// Own code after the description in the papers. Launch-bound, and uncoalesced along rows.
// Used by the benchmark alone, three taps, one direction, default injection, affinity per
// channel or shared by reading it again; vidprop.ops.scan._cuda.percolumn_forward launches it.
#include "device.cuh"

struct PerColumn {
    View x, affinity, h, grad, d, grad_x, grad_affinity;
    int64 images, channels, lanes, steps, across, step, before, after;  // before, after: -1 for none
};

struct Spot {
    int64 image, channel, lane;
};

__device__ inline TYPE& at(const PerColumn& s, const View& v, const Spot& o, int64 lane, int64 step, int k = 0) {
    return v.at[o.image * v.image + o.channel * v.channel + k * v.tap +
                (s.across ? lane : step) * v.row + (s.across ? step : lane) * v.column];
}

/// Neighbour k of a lane: whether it lies inside the frame.
__device__ inline bool inside(const PerColumn& s, int64 lane, int k) {
    return lane + k - 1 >= 0 && lane + k - 1 < s.lanes;
}

__device__ inline bool spot(const PerColumn& s, Spot& o) {
    const int64 i = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
    o = {i / s.lanes / s.channels, i / s.lanes % s.channels, i % s.lanes};
    return o.image < s.images;
}

KERNEL percolumn_forward(const PerColumn s) {
    Spot o;
    if (!spot(s, o)) return;
    float share = 1, sum = 0;
    for (int k = 0; k < 3 && s.before >= 0; ++k) {
        if (!inside(s, o.lane, k)) continue;
        const float p = widen(at(s, s.affinity, o, o.lane, s.step, k));
        share -= p;
        sum += p * widen(at(s, s.h, o, o.lane + k - 1, s.before));
    }
    narrow(sum + share * widen(at(s, s.x, o, o.lane, s.step)), at(s, s.h, o, o.lane, s.step));
}

KERNEL percolumn_backward(const PerColumn s) {
    Spot o;
    if (!spot(s, o)) return;
    float d = widen(at(s, s.grad, o, o.lane, s.step)), share = 1;
    for (int k = 0; k < 3 && s.after >= 0; ++k) {
        const int64 lane = o.lane + 1 - k;
        if (lane < 0 || lane >= s.lanes) continue;
        d += widen(at(s, s.affinity, o, lane, s.after, k)) * widen(at(s, s.d, o, lane, s.after));
    }
    narrow(d, at(s, s.d, o, o.lane, s.step));
    const float x = widen(at(s, s.x, o, o.lane, s.step));
    for (int k = 0; k < 3; ++k) {
        float grad = 0;
        if (s.before >= 0 && inside(s, o.lane, k)) {
            share -= widen(at(s, s.affinity, o, o.lane, s.step, k));
            grad = d * (widen(at(s, s.h, o, o.lane + k - 1, s.before)) - x);
        }
        narrow(grad, at(s, s.grad_affinity, o, o.lane, s.step, k));
    }
    narrow(share * d, at(s, s.grad_x, o, o.lane, s.step));
}
