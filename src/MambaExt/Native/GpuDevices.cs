using MambaExt.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>Which GPU of the kernels a torch device is. Nothing of a GPU is loaded before a tensor lies on one.</summary>
internal static class GpuDevices
{
    private static readonly AsyncLocal<GpuDevice?> Declared = new();

    /// <summary>The GPU behind <paramref name="device"/>; null on the CPU.</summary>
    /// <exception cref="CudaException">The driver or the compiler is missing or refuses; the sentence says which and what to install.</exception>
    /// <exception cref="NotSupportedException">Tensors lie neither on the CPU nor on an NVIDIA GPU.</exception>
    public static GpuDevice? Of(Device device) => device.type switch
    {
        DeviceType.CPU => Declared.Value,
        DeviceType.CUDA => Cuda(Math.Max(device.index, 0)),
        _ => throw new NotSupportedException($"The tensors lie on {device}; kernels run on the CPU and on NVIDIA GPUs; move them with cpu() or cuda()."),
    };

    /// <summary>The stream that torch queues on now; 0, its default, where it does not say and on whatever stands in for a GPU.</summary>
    public static nint CurrentStream(Device device) => device.type == DeviceType.CUDA ? TorchStream.Current(Math.Max(device.index, 0)) : 0;

    /// <summary>For tests: until disposed, CPU tensors of this flow of execution count as lying on <paramref name="device"/>, which must read the CPU's memory.</summary>
    public static IDisposable Declare(GpuDevice device)
    {
        var end = new Declaration(Declared.Value);
        Declared.Value = device;
        return end;
    }

    private static CudaDevice Cuda(int index)
    {
        // libtorch's CUDA edition brings the compiler; a Python package has it in a package beside torch/lib.
        if (LibTorchLoader.TorchFolder is { } folder)
        {
            NvrtcSearch.AddFolder(folder);
            foreach (string package in new[] { "cu13", "cuda_nvrtc" })
            {
                NvrtcSearch.AddFolder(Path.Combine(folder, "..", "..", "nvidia", package, "lib"));
            }
        }

        return CudaDevice.Get(index);
    }

    private sealed class Declaration(GpuDevice? before) : IDisposable
    {
        public void Dispose() => Declared.Value = before;
    }
}
