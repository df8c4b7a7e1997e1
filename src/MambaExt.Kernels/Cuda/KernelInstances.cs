namespace MambaExt.Kernels.Cuda;

/// <summary>Every kernel that a launcher can name. What is not here is not compiled on a user's machine, nor proved to compile on ours.</summary>
internal static class KernelInstances
{
    private static readonly Dictionary<KernelSource, IReadOnlyList<string>> Lists = new()
    {
        [KernelSource.SelectiveScan] = CudaSelectiveScan.Instances,
        [KernelSource.CausalConv1d] = CudaCausalConv1d.Instances,
        [KernelSource.CsrSum] = CudaCsrSum.Instances,
        [KernelSource.CsrSegments] = CudaCsrSegments.Instances,
        [KernelSource.CsrGatedMean] = CudaCsrGatedMean.Instances,
        [KernelSource.StateSpaceDuality] = CudaStateSpaceDuality.Instances,
    };

    /// <summary>All, source by source.</summary>
    public static IEnumerable<(KernelSource Source, string Instance)> All => Lists.SelectMany(list => list.Value.Select(instance => (list.Key, instance)));

    /// <summary>Those of one source.</summary>
    public static IReadOnlyList<string> Of(KernelSource source) => Lists[source];

    /// <summary>
    /// Kernels that a training step launches after this one, in the order in which they had better be compiled: the forward pass first, then
    /// whatever takes longest. Compiled one after the other when each is launched, they would take the sum of their times.
    /// </summary>
    public static IEnumerable<string> After(KernelSource source, string instance)
    {
        int open = instance.IndexOf('<');
        string kernel = open < 0 ? instance : instance[..open];
        string[] arguments = open < 0 ? [] : instance[(open + 1)..^1].Split(", ");
        return source == KernelSource.SelectiveScan ? CudaSelectiveScan.After(kernel, arguments)
            : source == KernelSource.CausalConv1d ? CudaCausalConv1d.After(kernel, arguments)
            : source == KernelSource.CsrSum ? CudaCsrSum.After(kernel, arguments)
            : source == KernelSource.CsrSegments ? CudaCsrSegments.After(kernel, arguments)
            : source == KernelSource.CsrGatedMean ? CudaCsrGatedMean.After(kernel, arguments)
            : source == KernelSource.StateSpaceDuality ? CudaStateSpaceDuality.After(kernel, arguments)
            : [];
    }

    /// <summary>Throws where a source has a list and the instance is not on it.</summary>
    /// <exception cref="CudaException">There is no such instance.</exception>
    public static void Require(KernelSource source, string instance)
    {
        if (Lists.TryGetValue(source, out IReadOnlyList<string>? allowed) && !allowed.Contains(instance))
        {
            throw new CudaException($"The GPU kernels of {source.Name} have no instance {instance}, which is a mistake of this library: report it with your shapes and options, and keep tensors on the CPU until then; allowed are {string.Join(", ", allowed)}.");
        }
    }
}
