// ---- Chunks, steps and decays ----

// One chunk of one batch entry.
struct Span {
    i64 row;                    // its first position among those of the batch
    int batch, index, length;   // neither number exceeds a grid
    template <typename G> __device__ Span(const G& g, i64 entry, i64 chunk) : row(entry * g.length + chunk * Chunk), batch(entry), index(chunk) {
        i64 left = g.length - chunk * Chunk;
        length = left < Chunk ? static_cast<int>(left) : Chunk;
    }

    // Where the chunk's own numbers lie, per head or per group.
    template <typename G> __device__ i64 of(const G& g, int parts, int part) const { return (batch * g.chunks() + index) * parts + part; }
};

// What a chunk of one head needs of its steps, in shared memory.
template <typename R> struct Steps {
    R *step, *slope, *log, *head, *within, *middle;
    int *begin, *end, *change;

    __device__ explicit Steps(R* memory) {
        step = memory;
        slope = step + Chunk;
        log = slope + Chunk;                        // of the decay from the position before, base 2
        head = log + Chunk;                         // sum from the quarter's first position to this one
        within = head + Chunk;                      // [t, s]: sum behind s up to t, both of one quarter
        middle = within + Chunk * WithinPitch;      // [i, j]: sum of the quarters behind i - 1 and before j
        begin = reinterpret_cast<int*>(middle + 32);    // first position that reaches t; -1 where the state before the chunk does
        end = begin + Chunk;                            // last position that s reaches
        change = end + Chunk;
    }

    // Logarithm of the decay from s to t, s <= t.
    __device__ R between(int s, int t) const {
        int i = s / Quarter, j = t / Quarter;
        return i == j ? within[t * WithinPitch + s % Quarter] : tail(s) + middle[(i + 1) * 5 + j] + head[t];
    }

    __device__ R tail(int s) const { return within[(s | (Quarter - 1)) * WithinPitch + s % Quarter]; }
    __device__ R prefix(int t) const { return exp2_of(middle[t / Quarter] + head[t]); }
    __device__ R suffix(int s) const { return exp2_of(tail(s) + middle[(s / Quarter + 1) * 5 + 4]); }
    __device__ R total() const { return exp2_of(middle[4]); }

    __device__ bool pair(int s, int t) const { return s <= t && s >= begin[t]; }
    __device__ R decay(int s, int t) const { return exp2_of(between(s, t)); }
    __device__ bool reads(int t) const { return begin[t] < 0; }
    __device__ bool remains(int s, int length) const { return s < length && s >= begin[length - 1]; }

    // Rows read, steps write, or the other way round.
    __device__ Band earlier(int row) const {
        Band band;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            band.low[i] = begin[row + i];
            band.high[i] = row + i;
        }

        return band;
    }

    __device__ Band later(int row) const {
        Band band;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            band.low[i] = row + i;
            band.high[i] = end[row + i];
        }

        return band;
    }
};

// Fills in the steps of a head. All threads must come here; nobody may still read those of another.
template <typename G, typename R> __device__ __forceinline__ void discretize(const G& g, const Span& span, int head, const Steps<R>& steps) {
    int t = threadIdx.x;
    __syncthreads();
    if (t < Chunk) {
        R step = R(0), slope = R(1), rate = g.a[head] * log2e<R>();
        int change = 0;
        if (t < span.length) {
            step = load(g.dt + (span.row + t) * g.dt_stride + head) + (g.bias ? g.bias[head] : R(0));
            if (g.softplus) {
                slope = step > R(20) ? R(1) : sigmoid(step);
                step = softplus(step);
            }

            R least = static_cast<R>(g.least), largest = static_cast<R>(g.largest);
            if (step < least || step > largest) {
                step = step < least ? least : largest;
                slope = R(0);
            }

            change = g.sequence && span.index + t > 0 && g.sequence[span.row + t] != g.sequence[span.row + t - 1];
        }

        steps.step[t] = step;
        steps.slope[t] = slope;
        steps.log[t] = t < span.length ? step * rate : R(0);
        steps.change[t] = change;
    }

    __syncthreads();
    if (t < Chunk) {
        int quarter = t - t % Quarter, begin = -1, end = span.length - 1;
        R sum = R(0);
        for (int s = t; s >= quarter; s--) {
            steps.within[t * WithinPitch + s - quarter] = sum;
            sum += steps.log[s];
        }

        steps.head[t] = sum;
        if (g.sequence) {
            for (int s = 0; s < span.length; s++) {
                if (steps.change[s]) {
                    begin = s <= t ? s : begin;
                    end = s > t && s - 1 < end ? s - 1 : end;
                }
            }
        }

        steps.begin[t] = t < span.length ? begin : Chunk;
        steps.end[t] = end;
    }

    __syncthreads();
    if (t < 25) {
        R sum = R(0);
        for (int quarter = t / 5; quarter < t % 5; quarter++) sum += steps.head[quarter * Quarter + Quarter - 1];
        steps.middle[t] = sum;
    }

    __syncthreads();
}

template <typename R> __device__ __forceinline__ R silu(R x) { return x * sigmoid(x); }

// Gradient of y + D x.
template <typename G> __device__ __forceinline__ typename G::R gated_gradient(const G& g, i64 row, i64 channel) {
    typename G::R value = load(g.grad_out + row * g.grad_out_stride + channel);
    return g.z ? value * silu(load(g.z + row * g.z_stride + channel)) : value;
}

template <typename G, typename R> __device__ __forceinline__ void gated_four(const G& g, i64 row, i64 channel, int count, R (&values)[4]) {
    load_four(g.grad_out + row * g.grad_out_stride + channel, count, values);
    if (g.z) {
        R z[4];
        load_four(g.z + row * g.z_stride + channel, count, z);
#pragma unroll
        for (int j = 0; j < 4; j++) values[j] *= silu(z[j]);
    }
}

// A head's skip of channel p.
template <typename G> __device__ __forceinline__ typename G::R skip_of(const G& g, int head, int p) {
    return !g.skip || p >= g.width ? typename G::R(0) : g.skip[g.skip_per_channel ? static_cast<i64>(head) * g.width + p : head];
}
