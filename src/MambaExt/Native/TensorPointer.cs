using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>The address of a tensor's first element, storage offset included, for any element type and device.</summary>
internal static class TensorPointer
{
    /// <summary>Returns the data pointer of <paramref name="tensor"/>; the caller keeps the tensor alive while it is used.</summary>
    public static nint Of(Tensor tensor) => THSTensor_data(tensor.Handle);

    [DllImport("LibTorchSharp")]
    private static extern nint THSTensor_data(nint handle);
}
