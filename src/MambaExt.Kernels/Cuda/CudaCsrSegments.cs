using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// Numbers that belong to arcs, <c>[E, C]</c>, and the rows they lie in, on a GPU, as <see cref="CsrSegments"/> defines them. All addresses are the
/// device's, and every array of numbers has elements <c>T</c>: float, double, <see cref="BFloat16"/> or <see cref="Half"/>; what is computed in between is
/// float beside 16-bit elements. A row's bits depend on its own arcs alone, in every run. Nothing is allocated.
/// </summary>
public static unsafe class CudaCsrSegments
{
    private static readonly string[] Rowwise = ["SegmentSum", "SegmentSoftmax", "SegmentProduct"];

    /// <summary>Every kernel that a launch can name.</summary>
    internal static IReadOnlyList<string> Instances { get; } =
    [
        .. from type in KernelTypes.Names
           from body in Rowwise
           from kernel in new[] { "segment_pieces", "segment_rows" }
           select $"{kernel}<{type}, {body}>",
        .. from type in KernelTypes.Names
           from body in new[] { "ArcSpread", "ArcSoftmax", "ArcSoftmaxGradient" }
           select $"segment_arcs<{type}, {body}>",
    ];

    /// <summary>See <see cref="KernelInstances.After"/>. Each of the operators has the other's kernels as its gradient.</summary>
    internal static IEnumerable<string> After(string kernel, string[] arguments)
    {
        string type = arguments[0], body = arguments[1];
        if (kernel == "segment_pieces")
        {
            yield return $"segment_rows<{type}, {body}>";
        }

        if (kernel != "segment_arcs" && body == "SegmentSoftmax")
        {
            yield return $"segment_arcs<{type}, ArcSoftmax>";
            yield return $"segment_rows<{type}, SegmentProduct>";
            yield return $"segment_arcs<{type}, ArcSoftmaxGradient>";
            if (kernel == "segment_pieces")
            {
                yield return $"segment_pieces<{type}, SegmentProduct>";
            }
        }

        if (kernel == "segment_arcs" && body == "ArcSpread")
        {
            yield return $"segment_rows<{type}, SegmentSum>";
        }
    }

    /// <summary>Bytes of workspace of a sum over these rows; 0 where no row can be longer than a piece.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    public static long SumWorkspaceBytes<T>(in CudaCsrRows rows, long channels)
        where T : unmanaged => CudaCsrPlan.PieceElements(rows, channels) * KernelTypes.ParameterBytes<T>();

    /// <summary>Bytes of workspace of softmax over these rows, or of its gradient.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    public static long SoftmaxWorkspaceBytes<T>(in CudaCsrRows rows, long channels)
        where T : unmanaged => checked(2 * ((rows.Rows * channels) + CudaCsrPlan.PieceElements(rows, channels)) * KernelTypes.ParameterBytes<T>());

    /// <summary>Queues values[e, :] = target[v, :] + source[Columns[e], :] for the arcs e of v; either may be null, which counts as zeros.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs</param>
    /// <param name="target"><c>[V, C]</c> or null</param>
    /// <param name="source"><c>[columns, C]</c> or null</param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="values"><c>[E, C]</c>, overwritten</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Spread<T>(GpuDevice device, in CudaCsrRows rows, T* target, T* source, long channels, T* values, nint stream = 0)
        where T : unmanaged
    {
        CsrChecks.Arcs(rows.ArcCount, values, "Values", "[E, C]");
        Arcs(device, rows, "ArcSpread", target, source, channels, values, 0, stream);
    }

    /// <summary>Queues y[v, :] = sum of values[e, :] over the arcs e of v. Over a transpose it is the sum over the arcs that point at a column.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs</param>
    /// <param name="values"><c>[E, C]</c>, in the order of the original arcs</param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="y"><c>[V, C]</c>, overwritten</param>
    /// <param name="workspace"><see cref="SumWorkspaceBytes{T}"/> bytes, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Sum<T>(GpuDevice device, in CudaCsrRows rows, T* values, long channels, T* y, nint workspace, nint stream = 0)
        where T : unmanaged
    {
        CsrChecks.Arcs(rows.ArcCount, values, "Values", "[E, C]");
        if (rows.Rows > 0)
        {
            KernelArgument.RequirePointer(y, "Y", "[V, C]");
        }

        Rows(device, rows, "SegmentSum", values, null, channels, y, 0, workspace, stream);
    }

    /// <summary>Queues p[e, c] = exp(values[e, c]) / sum of exp(values[e', c]) over the arcs e' of the same row, the largest taken off first.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs</param>
    /// <param name="values"><c>[E, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="p"><c>[E, C]</c>, overwritten; may be <paramref name="values"/></param>
    /// <param name="workspace"><see cref="SoftmaxWorkspaceBytes{T}"/> bytes, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Softmax<T>(GpuDevice device, in CudaCsrRows rows, T* values, long channels, T* p, nint workspace, nint stream = 0)
        where T : unmanaged
    {
        CsrChecks.Arcs(rows.ArcCount, values, "Values", "[E, C]");
        CsrChecks.Arcs(rows.ArcCount, p, "P", "[E, C]");
        nint pieces = workspace + (nint)(2 * rows.Rows * channels * KernelTypes.ParameterBytes<T>());
        Rows<T>(device, rows, "SegmentSoftmax", values, null, channels, null, workspace, pieces, stream);
        Arcs(device, rows, "ArcSoftmax", values, null, channels, p, workspace, stream);
    }

    /// <summary>Queues the gradient of <see cref="Softmax"/>: dvalues = p (dp - sum of p dp over the row).</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs</param>
    /// <param name="p"><c>[E, C]</c>, what it gave</param>
    /// <param name="dp"><c>[E, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="dvalues"><c>[E, C]</c>, overwritten; may be <paramref name="dp"/></param>
    /// <param name="workspace"><see cref="SoftmaxWorkspaceBytes{T}"/> bytes, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void SoftmaxGradient<T>(GpuDevice device, in CudaCsrRows rows, T* p, T* dp, long channels, T* dvalues, nint workspace, nint stream = 0)
        where T : unmanaged
    {
        CsrChecks.Arcs(rows.ArcCount, p, "P", "[E, C]");
        CsrChecks.Arcs(rows.ArcCount, dp, "Dp", "[E, C]");
        CsrChecks.Arcs(rows.ArcCount, dvalues, "Dvalues", "[E, C]");
        nint pieces = workspace + (nint)(rows.Rows * channels * KernelTypes.ParameterBytes<T>());
        Rows<T>(device, rows, "SegmentProduct", p, dp, channels, null, workspace, pieces, stream);
        Arcs(device, rows, "ArcSoftmaxGradient", p, dp, channels, dvalues, workspace, stream);
    }

    private static void Rows<T>(
        GpuDevice device, in CudaCsrRows rows, string body, T* first, T* second, long channels, T* y, nint shared, nint pieces, nint stream)
        where T : unmanaged
    {
        string type = KernelTypes.Name<T>();
        CudaCsrPlan plan = Plan(rows, channels);
        plan.RequireWorkspace(y == null ? shared : pieces, always: y == null && rows.Rows > 0);
        Arguments arguments = Given(rows, plan, (nint)first, (nint)second, (nint)y, shared, pieces, channels);
        if (plan.Cut)
        {
            device.Launch(KernelSource.CsrSegments, $"segment_pieces<{type}, {body}>", plan.Pieces, arguments, stream);
        }

        device.Launch(KernelSource.CsrSegments, $"segment_rows<{type}, {body}>", plan.WholeRows, arguments, stream);
    }

    private static void Arcs<T>(GpuDevice device, in CudaCsrRows rows, string body, T* first, T* second, long channels, T* values, nint shared, nint stream)
        where T : unmanaged
    {
        CudaCsrPlan plan = Plan(rows, channels);
        device.Launch(
            KernelSource.CsrSegments, $"segment_arcs<{KernelTypes.Name<T>()}, {body}>", plan.Arcs,
            Given(rows, plan, (nint)first, (nint)second, (nint)values, shared, 0, channels), stream);
    }

    private static CudaCsrPlan Plan(in CudaCsrRows rows, long channels)
    {
        KernelArgument.RequirePointer(rows.Offsets, "Offsets", "[V+1]");
        CsrChecks.Channels(channels);
        return new(rows, channels, 1);
    }

    private static Arguments Given(in CudaCsrRows rows, in CudaCsrPlan plan, nint first, nint second, nint result, nint shared, nint pieces, long channels) => new(
        (nint)rows.Offsets, (nint)rows.Columns, (nint)rows.Arcs, first, second, result, shared, pieces,
        rows.Rows, rows.ArcCount, channels, plan.ColumnBlocks, plan.Lanes, CudaCsrPlan.GroupArcs);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Arguments(
        nint Offsets, nint Columns, nint Arcs, nint First, nint Second, nint Out, nint Shared, nint Pieces,
        long Rows, long ArcCount, long Channels, long ColumnBlocks, int Lanes, int GroupArcs);
}
