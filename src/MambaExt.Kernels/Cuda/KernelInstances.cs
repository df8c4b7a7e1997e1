namespace MambaExt.Kernels.Cuda;

/// <summary>Every kernel that a launcher can name. What is not here is not compiled on a user's machine, nor proved to compile on ours.</summary>
internal static class KernelInstances
{
    private static readonly Dictionary<KernelSource, IReadOnlyList<string>> Lists = new()
    {
        [KernelSource.SelectiveScan] = CudaSelectiveScan.Instances,
        [KernelSource.CausalConv1d] = CudaCausalConv1d.Instances,
        [KernelSource.CsrSum] = CudaCsrSum.Instances,
        [KernelSource.StateSpaceDuality] = CudaStateSpaceDuality.Instances,
    };

    /// <summary>All, source by source.</summary>
    public static IEnumerable<(KernelSource Source, string Instance)> All => Lists.SelectMany(list => list.Value.Select(instance => (list.Key, instance)));

    /// <summary>Those of one source.</summary>
    public static IReadOnlyList<string> Of(KernelSource source) => Lists[source];

    /// <summary>Others that a program will want soon: those of the source whose template arguments are among this one's.</summary>
    public static IEnumerable<string> Beside(KernelSource source, string instance)
    {
        HashSet<string> own = [.. Arguments(instance)];
        return Lists.TryGetValue(source, out IReadOnlyList<string>? all) ? all.Where(one => one != instance && Arguments(one).All(own.Contains)) : [];
    }

    /// <summary>Throws where a source has a list and the instance is not on it.</summary>
    /// <exception cref="CudaException">There is no such instance.</exception>
    public static void Require(KernelSource source, string instance)
    {
        if (Lists.TryGetValue(source, out IReadOnlyList<string>? allowed) && !allowed.Contains(instance))
        {
            throw new CudaException($"The GPU kernels of {source.Name} have no instance {instance}; allowed are {string.Join(", ", allowed)}.");
        }
    }

    private static string[] Arguments(string instance) =>
        instance[(instance.IndexOf('<') + 1)..].TrimEnd('>').Split(',', StringSplitOptions.TrimEntries);
}
