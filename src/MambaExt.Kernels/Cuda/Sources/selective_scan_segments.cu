// Long sequences of few channels: L in segments that run side by side. Each segment but the last is first scanned from zero for its last state
// and the product of its decays alone; the states are joined in order (end = local + product start); every segment is then scanned from its
// true start. The backward scan does the same with the gradient of the state, from the end.

template <typename T> struct ScanEnds {
    typedef typename Wide<T>::type R;
    ScanInputs<T> in;
    const T* grad_out;
    i64 grad_out_stride;
    R* ends;        // [B, segments, N, D]
    R* products;    // -1 where a sequence begins in the segment
    ScanSizes s;
    int backward, unused;
};

// One segment: forward h = e h + dt u B, backward h = e (h + dy C). The last of its direction has no use and no block.
template <typename T, int NT, int K> __global__ void __launch_bounds__(32 * K) scan_ends(ScanEnds<T> a) {
    typedef typename Wide<T>::type R;
    constexpr int THREADS = 32 * K, TILE = 16, SPAN = NT * K;
    __shared__ Pair<R> rows[TILE * BLOCK_CHANNELS];
    __shared__ __align__(16) R matrix[TILE * SPAN];
    __shared__ int begins[TILE];

    const ScanSizes& s = a.s;
    i64 blocks = static_cast<i64>(s.groups) * s.group_blocks, id = blockIdx.x;
    ScanBlock block = scan_block(s, id % blocks);
    i64 segment = id / blocks % (s.segments - 1) + (a.backward ? 1 : 0), batch = id / blocks / (s.segments - 1);
    ScanLane<NT, K> lane(block, threadIdx.x);
    i64 begin = segment * s.segment_steps, end = min(s.length, begin + s.segment_steps), tiles = (end - begin + TILE - 1) / TILE;
    int d = block.first + lane.lane;
    bool exists = lane.lane < block.count, constant = a.backward ? !s.per_position_c : !s.per_position_b;
    R bias = exists && a.in.bias != nullptr ? a.in.bias[d] : R(0);
    const T* of_position = static_cast<const T*>(a.backward ? a.in.c : a.in.b);
    i64 stride = a.backward ? a.in.c_stride : a.in.b_stride;

#pragma unroll 1
    for (int pass = 0; pass < s.passes; pass++) {
        R rate[NT], fixed[NT], h[NT], e[NT], sum = R(0);
        bool cut = false;
        int left = lane.left(s, pass);
        load_rates(rate, a.in.a, s, lane, block, pass);
        load_parameter(fixed, constant ? static_cast<const R*>(a.backward ? a.in.c : a.in.b) : nullptr, s, lane, block, pass);
#pragma unroll
        for (int n = 0; n < NT; n++) {
            h[n] = R(0);
        }

#pragma unroll 1
        for (i64 tile = 0; tile < tiles; tile++) {
            i64 start = begin + (a.backward ? tiles - 1 - tile : tile) * TILE;
            int steps = static_cast<int>(min(static_cast<i64>(TILE), end - start));
            __syncthreads();
            for (int t = lane.warp; t < TILE; t += K) {
                Pair<R> step = {R(0), R(0)};
                if (exists && t < steps) {
                    i64 row = scan_row(s, batch, start + t);
                    step.dt = scan_step(s, load(a.in.delta + row * a.in.delta_stride + d) + bias);
                    if (!a.backward) {
                        step.x = step.dt * load(a.in.u + row * a.in.u_stride + d);
                    } else if (!s.return_states) {
                        step.x = load(a.grad_out + row * a.grad_out_stride + d);
                        if (a.in.z != nullptr) {
                            R z = load(a.in.z + row * a.in.z_stride + d);
                            step.x *= z * sigmoid(z);
                        }
                    }
                }

                rows[t * BLOCK_CHANNELS + lane.lane] = step;
            }

            for (int i = threadIdx.x; i < TILE * SPAN; i += THREADS) {
                int t = i / SPAN, n = pass * SPAN + i % SPAN;
                bool there = !constant && of_position != nullptr && t < steps && n < s.states;
                matrix[i] = there ? load(of_position + scan_row(s, batch, start + t) * stride + static_cast<i64>(block.group) * s.states + n) : R(0);
            }

            if (threadIdx.x < TILE) {
                begins[threadIdx.x] = scan_begins(s, a.in.sequence, batch, start + threadIdx.x);
            }

            __syncthreads();
#pragma unroll 1
            for (int i = 0; i < steps; i++) {
                int t = a.backward ? steps - 1 - i : i;
                Pair<R> step = rows[t * BLOCK_CHANNELS + lane.channel];
                R value[NT];
                if (constant) {
#pragma unroll
                    for (int n = 0; n < NT; n++) {
                        value[n] = fixed[n];
                    }
                } else {
                    read_states(value, matrix + t * SPAN + lane.part * NT);
                }

                bool fresh = begins[t] != 0;
                sum += step.dt;
                cut = cut || fresh;
                if (!a.backward) {
                    scan_advance(h, e, rate, value, step, fresh);
                    continue;
                }

                const T* grad_states = a.grad_out + scan_row(s, batch, start + t) * a.grad_out_stride
                    + static_cast<i64>(block.first + lane.channel) * s.states + lane.first(pass);
#pragma unroll
                for (int n = 0; n < NT; n++) {
                    R more = step.x * value[n];
                    if (s.return_states) {
                        more = n < left ? load(grad_states + n) : R(0);
                    }

                    h[n] = fresh ? R(0) : exp2_of(step.dt * rate[n]) * (h[n] + more);
                }
            }
        }

        R product[NT];
#pragma unroll
        for (int n = 0; n < NT; n++) {
            product[n] = cut ? R(-1) : exp2_of(sum * rate[n]);
        }

        i64 at = state_offset(s, batch * s.segments + segment, lane, block, pass);
        store_states(h, a.ends + at, s.channels, left);
        store_states(product, a.products + at, s.channels, left);
    }
}

template <typename R> struct ScanJoin {
    R* ends;            // [B, segments, N, D]: local ends in, true starts out
    const R* products;
    const R* first;     // [B, D, N] or null: what the first segment starts from
    i64 batch, segments;
    int channels, states, backward, unused;
};

// A thread a state. Where a sequence begins in a segment, the state before it adds nothing, even if it is no number; and a state of exactly 0
// adds nothing, however far growing decays overflow.
template <typename R> __global__ void scan_join(ScanJoin<R> a) {
    i64 plane = static_cast<i64>(a.channels) * a.states, id = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (id >= a.batch * plane) {
        return;
    }

    i64 batch = id / plane, n = id % plane / a.channels, d = id % a.channels;
    R state = a.first == nullptr ? R(0) : a.first[(batch * a.channels + d) * a.states + n];
    for (i64 i = 0; i < a.segments; i++) {
        i64 at = (batch * a.segments + (a.backward ? a.segments - 1 - i : i)) * plane + id % plane;
        R start = state;
        if (i < a.segments - 1) {
            R product = a.products[at];
            state = a.ends[at];
            if (!(product < R(0)) && start != R(0)) {
                state += product * start;
            }
        }

        a.ends[at] = start;
    }
}
