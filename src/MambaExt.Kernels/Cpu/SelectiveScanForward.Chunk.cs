using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <content>What happens before and after the recurrence of a chunk.</content>
internal sealed unsafe partial class SelectiveScanForward<V, T>
{
    /// <summary>dt = softplus(delta + bias), dt u, and y = D u to begin with.</summary>
    private void Discretize(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch)
    {
        if (_plan.StatesAsLanes)
        {
            DiscretizeChannel(rows, start, steps, strip, scratch);
            return;
        }

        int channel = _plan.FirstChannel(strip), channels = _plan.ChannelsIn(strip);
        T* u = _in.U + rows.Row(start) * _in.UStride + channel, delta = _in.Delta + rows.Row(start) * _in.DeltaStride + channel;
        long uStep = rows.Direction * _in.UStride, deltaStep = rows.Direction * _in.DeltaStride;
        if (channels < V.Count)
        {
            u = ScanBlock<V, T>.Widen(u, ref uStep, channels, steps, scratch.First);
            delta = ScanBlock<V, T>.Widen(delta, ref deltaStep, channels, steps, scratch.Second);
        }

        DiscretizeRows(u, uStep, delta, deltaStep, strip, scratch.Strip, steps, blocks, scratch);
    }

    /// <summary>As <see cref="Discretize"/> for one channel, steps as lanes; the recurrence finds each result in all lanes of a vector, and y at zero.</summary>
    private void DiscretizeChannel(in ScanRows rows, long start, int steps, int block, in Scratch scratch)
    {
        int channel = _plan.FirstChannel(block);
        T* u = ScanBlock<V, T>.Gather(_in.U + rows.Row(start) * _in.UStride + channel, rows.Direction * _in.UStride, steps, scratch.First);
        T* delta = ScanBlock<V, T>.Gather(_in.Delta + rows.Row(start) * _in.DeltaStride + channel, rows.Direction * _in.DeltaStride, steps, scratch.Second);
        DiscretizeRows(u, V.Count, delta, V.Count, block, scratch.Line, (steps + V.Count - 1) / V.Count, 1, scratch);
        ScanBlock<V, T>.Spread(scratch.Line.Steps, scratch.Strip.Steps, steps);
        ScanBlock<V, T>.Spread(scratch.Line.Inputs, scratch.Strip.Inputs, steps);
        new Span<T>(scratch.Strip.Y, steps * V.Count).Clear();
    }

    private void DiscretizeRows(T* u, long uStep, T* delta, long deltaStep, int first, in ForwardStrip<T> target, int steps, int blocks, in Scratch scratch)
    {
        T* bias = _bias + (long)first * V.Count, skip = _skip + (long)first * V.Count;
        if (_shape.Softplus)
        {
            ScanForwardRows<V, T>.Discretize<On>(u, uStep, delta, deltaStep, bias, skip, target, steps, blocks);
        }
        else
        {
            ScanForwardRows<V, T>.Discretize<Off>(u, uStep, delta, deltaStep, bias, skip, target, steps, blocks);
        }

        for (int j = 0; j < blocks; j++)
        {
            scratch.Bounded[j] = ScanBlock<V, T>.Largest(V.Load(target.Largest + j * V.Count)) * _largestA[first + j] < BoundedExp2<V, T>.Limit;
        }
    }

    /// <summary>The gate, and the rows of out.</summary>
    private void Finish(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch)
    {
        int channel = _plan.FirstChannel(strip), channels = _plan.ChannelsIn(strip);
        T* result = _out.Out + rows.Row(start) * _out.OutStride + channel;
        T* z = _in.Z == null ? null : _in.Z + rows.Row(start) * _in.ZStride + channel;
        long resultStep = rows.Direction * _out.OutStride, zStep = z == null ? 0 : rows.Direction * _in.ZStride;
        if (_plan.StatesAsLanes)
        {
            ScanBlock<V, T>.AddLanes(scratch.Strip.Y, scratch.Line.Y, steps);
            z = z == null ? null : ScanBlock<V, T>.Gather(z, zStep, steps, scratch.First);
            ScanForwardRows<V, T>.Gate(scratch.Line.Y, z, z == null ? 0 : V.Count, scratch.Second, V.Count, (steps + V.Count - 1) / V.Count, 1);
            ScanBlock<V, T>.Scatter(scratch.Second, result, resultStep, steps);
            return;
        }

        if (channels == V.Count)
        {
            ScanForwardRows<V, T>.Gate(scratch.Strip.Y, z, zStep, result, resultStep, steps, blocks);
            return;
        }

        z = z == null ? null : ScanBlock<V, T>.Widen(z, ref zStep, channels, steps, scratch.First);
        ScanForwardRows<V, T>.Gate(scratch.Strip.Y, z, zStep, scratch.Second, V.Count, steps, 1);
        ScanBlock<V, T>.Narrow(scratch.Second, result, resultStep, channels, steps);
    }

    /// <summary>What one thread needs while it works on a run of blocks.</summary>
    private struct Scratch
    {
        public T* State;
        public ForwardStrip<T> Strip;

        /// <summary>The same of one channel, [chunk], where states are the lanes.</summary>
        public ForwardStrip<T> Line;

        /// <summary>Rows of B where they fill no whole vectors of states.</summary>
        public T* WideB;

        /// <summary>As <see cref="WideB"/>.</summary>
        public T* WideC;

        /// <summary>Of each block of the strip: no decay of the chunk needs bounds.</summary>
        public bool* Bounded;

        /// <summary>Rows of a block with lanes to spare, [chunk, lanes].</summary>
        public T* First;

        /// <inheritdoc cref="First"/>
        public T* Second;

        public void Prepare(SelectiveScanForward<V, T> scan, int blocks)
        {
            if (State == null)
            {
                Workspace workspace = scan._workspace;
                int strip = Math.Min(ScanPlan.Strip<V, T>(), scan._plan.Blocks) * V.Count, elements = strip * ScanPlan.Chunk;
                State = workspace.Allocate<T>((long)blocks * scan._blockElements);
                Strip = NewStrip(workspace, elements, strip);
                if (scan._plan.StatesAsLanes)
                {
                    Line = NewStrip(workspace, ScanPlan.Chunk, V.Count);
                    bool wide = scan._shape.States % V.Count != 0;
                    WideB = wide ? workspace.Allocate<T>((long)ScanPlan.Chunk * scan._blockElements) : null;
                    WideC = wide ? workspace.Allocate<T>((long)ScanPlan.Chunk * scan._blockElements) : null;
                }

                Bounded = workspace.Allocate<bool>(strip);
                First = workspace.Allocate<T>(ScanPlan.Chunk * V.Count);
                Second = workspace.Allocate<T>(ScanPlan.Chunk * V.Count);
            }
        }

        private static ForwardStrip<T> NewStrip(Workspace workspace, int elements, int row) => new()
        {
            Steps = workspace.Allocate<T>(elements),
            Inputs = workspace.Allocate<T>(elements),
            Y = workspace.Allocate<T>(elements),
            Largest = workspace.Allocate<T>(row),
        };
    }
}
