using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>The address of a tensor's first element, storage offset included, for any element type and device.</summary>
internal static unsafe class TensorPointer
{
    /// <summary>Returns the data pointer of <paramref name="tensor"/>; the caller keeps the tensor alive while it is used.</summary>
    public static nint Of(Tensor tensor) => THSTensor_data(tensor.Handle);

    /// <summary>The same as a pointer; null for null.</summary>
    public static T* Of<T>(Tensor? tensor)
        where T : unmanaged => tensor is null ? null : (T*)Of(tensor);

    /// <summary>A kernel knows addresses only: without this a finalizer may free a tensor that nobody will use again while it runs.</summary>
    public static void KeepAlive(params IEnumerable<Tensor?> tensors)
    {
        foreach (Tensor? tensor in tensors)
        {
            GC.KeepAlive(tensor);
        }
    }

    [DllImport("LibTorchSharp")]
    private static extern nint THSTensor_data(nint handle);
}
