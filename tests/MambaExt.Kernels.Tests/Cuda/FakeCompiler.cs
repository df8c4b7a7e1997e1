using System.Text;
using MambaExt.Kernels.Cuda;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Makes images that the stand-in driver takes, and counts.</summary>
internal sealed class FakeCompiler : IKernelCompiler
{
    private int _compiled;

    public int Compiled => _compiled;

    public string Identity { get; init; } = "fake 1";

    public string Description => "fake.so, of CUDA 1.0";

    public TimeSpan Takes { get; init; }

    public IReadOnlyList<int> Known { get; init; } = [70, 80, 90];

    public Exception? Fails { get; set; }

    /// <summary>Called with the instance, on the thread that compiles it.</summary>
    public Action<string>? Begins { get; init; }

    /// <summary>Bytes behind an image.</summary>
    public int Padding { get; init; }

    /// <summary>What its images begin with; the stand-in driver takes "fake" alone.</summary>
    public string Magic { get; init; } = "fake";

    public static GpuTarget Sm90 { get; } = new(90, IsPtx: false);

    public static string Symbol(string instance) => $"_Z{instance.Length}{instance}";

    public IReadOnlyList<int> Supported() => Known;

    public CompiledKernel Compile(KernelSource source, string instance, GpuTarget target)
    {
        Interlocked.Increment(ref _compiled);
        Begins?.Invoke(instance);
        Thread.Sleep(Takes);
        return Fails is { } error ? throw error : new(Symbol(instance), [.. Encoding.ASCII.GetBytes($"{Magic}{Symbol(instance)}\0for {target.Name}"), .. new byte[Padding]], "a log");
    }
}
