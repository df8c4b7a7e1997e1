using System.Runtime.InteropServices;

namespace MambaExt.Native;

/// <summary>The stream that libtorch's thread of now queues on, from its stable C interface. TorchSharp itself shows none.</summary>
internal static unsafe class TorchStream
{
    private static readonly Lazy<nint> Function = new(Find);

    /// <summary>The stream as the driver knows it; 0, the default stream, where this libtorch does not say.</summary>
    public static nint Current(int device)
    {
        nint stream = 0;
        return Function.Value != 0 && ((delegate* unmanaged<int, nint*, int>)Function.Value)(device, &stream) == 0 ? stream : 0;
    }

    /// <summary>The library is loaded by then: a tensor lies on a GPU.</summary>
    private static nint Find()
    {
        string name = OperatingSystem.IsWindows() ? "torch_cuda.dll" : "libtorch_cuda.so";
        bool loaded = NativeLibrary.TryLoad(name, out nint library)
            || NativeLibrary.TryLoad(name, typeof(TorchSharp.torch).Assembly, null, out library)
            || (LibTorchLoader.TorchFolder is { } folder && NativeLibrary.TryLoad(Path.Combine(folder, name), out library));
        return loaded && NativeLibrary.TryGetExport(library, "aoti_torch_get_current_cuda_stream", out nint function) ? function : 0;
    }
}
