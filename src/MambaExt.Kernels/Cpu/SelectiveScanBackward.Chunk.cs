using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <content>What happens before and after the sweep of a chunk.</content>
internal sealed unsafe partial class SelectiveScanBackward<V, T>
{
    private const int Sequences = 8;

    /// <summary>Elements from one block of a strip to the next, see <see cref="Scratch.NewStrip"/>.</summary>
    private int Apart => Sequences * _chunk * V.Count + 128 / sizeof(T);

    /// <summary>dt and its slope, dt u, the gradient of y behind the gate, and y = D u to begin with where the gate needs y.</summary>
    private void Discretize(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch)
    {
        int channel = _plan.FirstChannel(strip), channels = _plan.ChannelsIn(strip);
        nint apart = Apart;
        long row = rows.Row(start), direction = rows.Direction;
        T* u = _in.U + row * _in.UStride + channel, delta = _in.Delta + row * _in.DeltaStride + channel;
        T* dout = _shape.ReturnStates ? null : _grad.Out + row * _grad.OutStride + channel;
        T* z = _in.Z == null ? null : _in.Z + row * _in.ZStride + channel;
        long uStep = direction * _in.UStride, deltaStep = direction * _in.DeltaStride;
        long doutStep = dout == null ? 0 : direction * _grad.OutStride, zStep = z == null ? 0 : direction * _in.ZStride;
        if (_plan.StatesAsLanes)
        {
            // One channel, steps as lanes; the sweep finds each result in all lanes of a vector.
            int lines = (steps + V.Count - 1) / V.Count;
            u = ScanBlock<V, T>.Gather(u, uStep, steps, scratch.WideU);
            delta = ScanBlock<V, T>.Gather(delta, deltaStep, steps, scratch.WideDelta);
            dout = dout == null ? null : ScanBlock<V, T>.Gather(dout, doutStep, steps, scratch.WideOut);
            z = z == null ? null : ScanBlock<V, T>.Gather(z, zStep, steps, scratch.WideZ);
            DiscretizeRows(u, V.Count, delta, V.Count, dout, dout == null ? 0 : V.Count, z, z == null ? 0 : V.Count, strip, scratch.Line, lines, 1, scratch);
            ScanBlock<V, T>.Spread(scratch.Line.Steps, scratch.Strip.Steps, steps);
            ScanBlock<V, T>.Spread(scratch.Line.Inputs, scratch.Strip.Inputs, steps);
            ScanBlock<V, T>.Spread(scratch.Line.GradY, scratch.Strip.GradY, steps);
            new Span<T>(scratch.Strip.Y, steps * V.Count).Clear();
            new Span<T>(scratch.Strip.GradInputs, steps * V.Count).Clear();
            new Span<T>(scratch.Strip.GradSteps, steps * V.Count).Clear();
            return;
        }

        if (channels < V.Count)
        {
            u = ScanBlock<V, T>.Widen(u, ref uStep, channels, steps, scratch.WideU);
            delta = ScanBlock<V, T>.Widen(delta, ref deltaStep, channels, steps, scratch.WideDelta);
            dout = dout == null ? null : ScanBlock<V, T>.Widen(dout, ref doutStep, channels, steps, scratch.WideOut);
            z = z == null ? null : ScanBlock<V, T>.Widen(z, ref zStep, channels, steps, scratch.WideZ);
        }

        DiscretizeRows(u, uStep, delta, deltaStep, dout, doutStep, z, zStep, strip, scratch.Strip, steps, blocks, scratch);
    }

    private void DiscretizeRows(
        T* u, long uStep, T* delta, long deltaStep, T* dout, long doutStep, T* z, long zStep, int first, in BackwardStrip<T> target, int steps, int blocks, in Scratch scratch)
    {
        T* bias = _bias + (long)first * V.Count, skip = _skip + (long)first * V.Count;
        nint apart = Apart;
        if (_shape.Softplus)
        {
            ScanBackwardRows<V, T>.Discretize<On>(u, uStep, delta, deltaStep, bias, target, apart, steps, blocks);
        }
        else
        {
            ScanBackwardRows<V, T>.Discretize<Off>(u, uStep, delta, deltaStep, bias, target, apart, steps, blocks);
        }

        ScanBackwardRows<V, T>.Gate(dout, doutStep, z, zStep, u, uStep, skip, target, apart, steps, blocks);
        for (int j = 0; j < blocks; j++)
        {
            scratch.Bounded[j] = ScanBlock<V, T>.Largest(V.Load(target.Largest + j * V.Count)) * _largestA[first + j] < BoundedExp2<V, T>.Limit;
        }
    }

    /// <summary>From the gradients of dt and dt u to those of u, delta, z, D and the bias.</summary>
    private void Finish(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch, T* gradD, T* gradBias)
    {
        int channel = _plan.FirstChannel(strip), channels = _plan.ChannelsIn(strip);
        nint apart = Apart;
        long row = rows.Row(start), direction = rows.Direction;
        bool wide = channels < V.Count;
        BackwardStrip<T> source = scratch.Strip;
        int lines = steps;
        if (_plan.StatesAsLanes)
        {
            source = scratch.Line;
            lines = (steps + V.Count - 1) / V.Count;
            ScanBlock<V, T>.AddLanes(scratch.Strip.GradInputs, source.GradInputs, steps);
            ScanBlock<V, T>.AddLanes(scratch.Strip.GradSteps, source.GradSteps, steps);
            ScanBlock<V, T>.AddLanes(scratch.Strip.Y, source.Y, _in.Z == null ? 0 : steps);
        }

        T* u = wide ? scratch.WideU : _in.U + row * _in.UStride + channel;
        long uStep = wide ? V.Count : direction * _in.UStride;

        // A gradient that nobody asked for goes to one row that nobody reads.
        T* toU = _grad.U == null ? scratch.Unread : wide ? scratch.WideOut : _grad.U + row * _grad.UStride + channel;
        T* toDelta = _grad.Delta == null ? scratch.Unread : wide ? scratch.WideDelta : _grad.Delta + row * _grad.DeltaStride + channel;
        long toUStep = _grad.U == null ? 0 : wide ? V.Count : direction * _grad.UStride;
        long toDeltaStep = _grad.Delta == null ? 0 : wide ? V.Count : direction * _grad.DeltaStride;
        T* skip = _skip + (long)strip * V.Count;
        if (_shape.Softplus)
        {
            ScanBackwardRows<V, T>.Finish<On>(u, uStep, toU, toUStep, toDelta, toDeltaStep, skip, gradD, gradBias, source, apart, lines, blocks);
        }
        else
        {
            ScanBackwardRows<V, T>.Finish<Off>(u, uStep, toU, toUStep, toDelta, toDeltaStep, skip, gradD, gradBias, source, apart, lines, blocks);
        }

        bool gate = _in.Z != null && _grad.Z != null;
        if (gate)
        {
            T* toZ = wide ? scratch.WideZ : _grad.Z + row * _grad.ZStride + channel;
            ScanBackwardRows<V, T>.FinishGate(toZ, wide ? V.Count : direction * _grad.ZStride, source, apart, lines, blocks);
        }

        if (wide)
        {
            NarrowTo(scratch.WideOut, _grad.U, _grad.UStride);
            NarrowTo(scratch.WideDelta, _grad.Delta, _grad.DeltaStride);
            NarrowTo(scratch.WideZ, gate ? _grad.Z : null, _grad.ZStride);
        }

        void NarrowTo(T* from, T* target, long stride)
        {
            if (target != null && _plan.StatesAsLanes)
            {
                ScanBlock<V, T>.Scatter(from, target + row * stride + channel, direction * stride, steps);
            }
            else if (target != null)
            {
                ScanBlock<V, T>.Narrow(from, target + row * stride + channel, direction * stride, channels, steps);
            }
        }
    }

    /// <summary>What one thread needs.</summary>
    private struct Scratch
    {
        public BackwardStrip<T> Strip;

        /// <summary>The same of one channel, [chunk], where states are the lanes.</summary>
        public BackwardStrip<T> Line;

        /// <summary>Rows of B where they fill no whole vectors of states.</summary>
        public T* WideB;

        /// <summary>As <see cref="WideB"/>.</summary>
        public T* WideC;
        public T* Kept;
        public T* Decays;
        public T* GradStates;
        public T* GradB;
        public T* GradC;
        public T* Carry;
        public bool* Bounded;

        /// <summary>Rows of a block with lanes to spare, [chunk, lanes]: read by the first half of a chunk's work, u by both, written by the second.</summary>
        public T* WideU;

        /// <inheritdoc cref="WideU"/>
        public T* WideDelta;

        /// <inheritdoc cref="WideU"/>
        public T* WideOut;

        /// <inheritdoc cref="WideU"/>
        public T* WideZ;

        /// <summary>A row for gradients that nobody asked for.</summary>
        public T* Unread;

        public void Prepare(SelectiveScanBackward<V, T> scan)
        {
            if (Kept != null)
            {
                return;
            }

            Workspace workspace = scan._workspace;
            long pair = 2L * (scan._chunk + 1) * V.Count;
            Strip = NewStrip(workspace, scan._strip, scan._chunk);
            if (scan._plan.StatesAsLanes)
            {
                Line = NewStrip(workspace, 1, scan._chunk);
                bool wide = scan._shape.States % V.Count != 0;
                WideB = wide ? workspace.Allocate<T>((long)scan._chunk * scan._blockElements) : null;
                WideC = wide ? workspace.Allocate<T>((long)scan._chunk * scan._blockElements) : null;
            }

            WideU = workspace.Allocate<T>(scan._chunk * V.Count);
            WideDelta = workspace.Allocate<T>(scan._chunk * V.Count);
            WideOut = workspace.Allocate<T>(scan._chunk * V.Count);
            WideZ = workspace.Allocate<T>(scan._chunk * V.Count);
            Unread = workspace.Allocate<T>(scan._strip * V.Count);
            Kept = workspace.Allocate<T>(pair);
            Decays = workspace.Allocate<T>(pair);
            GradStates = scan._shape.ReturnStates ? workspace.Allocate<T>(pair) : null;
            long part = (long)scan._chunk * scan._blockElements;
            GradB = scan._shape.PerPositionB ? workspace.Allocate<T>(part) : null;
            GradC = scan._shape.PerPositionC && !scan._shape.ReturnStates ? workspace.Allocate<T>(part) : null;
            Bounded = workspace.Allocate<bool>(scan._strip);
            Carry = workspace.Allocate<T>((long)scan._plan.Blocks * scan._blockElements);
        }

        /// <summary>The sequences of a block lie side by side, [blocks, sequences, chunk, lanes], with two cache lines between blocks: apart by a power of
        /// two, what a sweep needs at a time would fall on more places of a cache set than it has.</summary>
        private static BackwardStrip<T> NewStrip(Workspace workspace, int blocks, int chunk)
        {
            int sequence = chunk * V.Count;
            T* memory = workspace.Allocate<T>((long)blocks * (Sequences * sequence + 128 / sizeof(T)));
            return new()
            {
                Steps = memory,
                Inputs = memory + sequence,
                Y = memory + 2 * sequence,
                GradY = memory + 3 * sequence,
                GradInputs = memory + 4 * sequence,
                GradSteps = memory + 5 * sequence,
                Slopes = memory + 6 * sequence,
                GradZ = memory + 7 * sequence,
                Largest = workspace.Allocate<T>(blocks * V.Count),
            };
        }
    }
}
