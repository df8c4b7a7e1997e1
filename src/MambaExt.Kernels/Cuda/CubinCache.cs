using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// Images of kernels, in memory and in a folder of the user, under a hash of all that makes them: source, instance, compiler, options and
/// target. A process compiles each once; what one process compiled, later ones read. A folder that cannot be used costs time alone.
/// </summary>
/// <param name="folder">Where files lie; null for memory alone</param>
/// <param name="compiler">Asked for what is not there</param>
internal sealed class CubinCache(string? folder, IKernelCompiler compiler)
{
    private const string Variable = "MAMBAEXT_KERNEL_CACHE";

    // Publication only once: several threads may want one kernel, and one of them compiles it.
    private readonly ConcurrentDictionary<string, Lazy<CompiledKernel>> _images = new();

    // A thread a processor: who asks for a kernel mostly waits for one that is being compiled.
    private readonly CompileQueue _ahead = new(Environment.ProcessorCount);

    /// <summary>Where <c>MAMBAEXT_KERNEL_CACHE</c> says, nowhere if it says <c>off</c>, else the user's cache folder.</summary>
    public static string? DefaultFolder(Func<string, string?> environment)
    {
        if (environment(Variable) is { Length: > 0 } chosen)
        {
            return chosen.Equals("off", StringComparison.OrdinalIgnoreCase) ? null : chosen;
        }

        string? user = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : environment("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : environment("HOME") is { Length: > 0 } home ? Path.Combine(home, ".cache") : null;
        return string.IsNullOrEmpty(user) || !Path.IsPathRooted(user) ? null : Path.Combine(user, "mambaext", "kernels");
    }

    /// <summary>Says which instances will be asked for soon: those that have no image yet are compiled meanwhile, in this order.</summary>
    public void Expect(KernelSource source, IEnumerable<string> instances, GpuTarget target)
    {
        foreach (string instance in instances)
        {
            string name = Convert.ToHexStringLower(Key(source, instance, target));
            if (!_images.ContainsKey(name) && (folder is null || !File.Exists(Path.Combine(folder, name))))
            {
                _ahead.Add(() => TryGet(source, instance, target));
            }
        }
    }

    /// <summary>Begins to compile nothing more that is only expected, and waits for what has begun.</summary>
    public void EndExpected() => _ahead.End();

    /// <summary>The image of an instance, from memory, from its file, or compiled now.</summary>
    /// <exception cref="CudaException">It does not compile.</exception>
    public CompiledKernel Get(KernelSource source, string instance, GpuTarget target)
    {
        byte[] key = Key(source, instance, target);
        string name = Convert.ToHexStringLower(key);
        Lazy<CompiledKernel> image = _images.GetOrAdd(name, _ => new(() => ReadOrCompile(key, name, source, instance, target)));
        try
        {
            return image.Value;
        }
        catch
        {
            _images.TryRemove(new(name, image)); // what failed once (a full disk, a killed compiler) may work later
            throw;
        }
    }

    private void TryGet(KernelSource source, string instance, GpuTarget target)
    {
        try
        {
            Get(source, instance, target);
        }
        catch (Exception e) when (e is CudaException or IOException or UnauthorizedAccessException)
        {
            // told to whoever asks for this kernel
        }
    }

    private byte[] Key(KernelSource source, string instance, GpuTarget target) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', source.Hash, source.Name, instance, target.Name, compiler.Identity)));

    private CompiledKernel ReadOrCompile(byte[] key, string name, KernelSource source, string instance, GpuTarget target)
    {
        string? file = folder is null ? null : Path.Combine(folder, name);
        if (file is not null && Read(file, key) is { } known)
        {
            return known;
        }

        CompiledKernel made = compiler.Compile(source, instance, target);
        if (file is not null)
        {
            Write(file, key, made);
        }

        return made;
    }

    private static CompiledKernel? Read(string file, byte[] key)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return CubinFile.Read(stream, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Another process may be writing the same file, the disk may be full, the folder read-only: the kernel is there all the same.
    private static void Write(string file, byte[] key, CompiledKernel kernel)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            PartialFile.Write(file, stream => CubinFile.Write(stream, key, kernel));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
