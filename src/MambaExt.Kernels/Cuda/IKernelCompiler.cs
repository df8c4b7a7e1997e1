namespace MambaExt.Kernels.Cuda;

/// <summary>Turns an instance of a source into an image.</summary>
internal interface IKernelCompiler
{
    /// <summary>Name, version and options: compilers that differ here make different images of one source.</summary>
    string Identity { get; }

    /// <summary>File and CUDA version, for messages.</summary>
    string Description { get; }

    /// <summary>The GPUs it knows, each as 90 for 9.0.</summary>
    IReadOnlyList<int> Supported();

    /// <summary>Compiles one instance. Any thread may call, several at a time.</summary>
    /// <param name="source">The source</param>
    /// <param name="instance">The kernel with its template arguments</param>
    /// <param name="target">What it is compiled for</param>
    /// <exception cref="CudaException">It does not compile; the message holds the compiler's log.</exception>
    CompiledKernel Compile(KernelSource source, string instance, GpuTarget target);
}
