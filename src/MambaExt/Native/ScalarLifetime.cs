using System.Runtime.InteropServices;
using TorchSharp;

namespace MambaExt.Native;

/// <summary>
/// Keeps the native half of a TorchSharp <see cref="Scalar"/> alive for a second after .NET has given it up.
/// </summary>
/// <remarks>
/// In TorchSharp 0.107 <c>x + y</c>, <c>x + 1e-5</c>, <c>x * 2</c> and nearly all arithmetic make a temporary <see cref="Scalar"/>, read its
/// handle and call libtorch with it. Optimized code uses the object no more after that read, so a collection that another thread starts just then
/// finalizes it, and the finalizer frees the number that libtorch is about to read. What came of that: <c>Expected false to be true</c> out of
/// <c>Scalar::toFloat</c>, crashes, and nothing forbids a wrong number. Two to eight threads that add, beside one that collects, met it
/// once in 25,000 to 150,000 operations.
/// <para>
/// TorchSharp frees scalars through one function of its native library, which .NET looks up by name at the first use. Before that this class puts
/// its own in its place, and it frees each scalar through a <see cref="Quarantine"/>. Finalizers come in batches, one
/// a collection: 200,000 scalars and more, the newest with them, so that only a count would not keep the newest long enough, and time decides.
/// libtorch reads a scalar at the start of an operation, if not always first: a sum of two types converts its operands before.
/// </para>
/// <para>
/// Linux only. In a program that used <c>torch</c> before <see cref="LibTorchLoader.EnsureLoaded"/> .NET has looked up the function already,
/// and scalars are freed as before.
/// </para>
/// </remarks>
internal static unsafe class ScalarLifetime
{
    private const string Export = "THSTorch_dispose_scalar";

    private static delegate* unmanaged<nint, void> _free;

    /// <summary>The scalars that wait; null where this was not installed.</summary>
    public static Quarantine? Waiting { get; private set; }

    /// <summary>Installs it, once TorchSharp's native library is loaded; where that cannot be done all stays as it was.</summary>
    public static void TryInstall()
    {
        // Function pointers into an assembly that may be unloaded would outlive it.
        if (Waiting is not null || typeof(ScalarLifetime).Assembly.IsCollectible)
        {
            return;
        }

        try
        {
            // The library that TorchSharp's imports will find, which another folder on the way may have changed.
            if (NativeLibrary.TryLoad("LibTorchSharp", typeof(torch).Assembly, null, out nint library)
                && NativeLibrary.TryGetExport(library, Export, out nint free))
            {
                _free = (delegate* unmanaged<nint, void>)free;

                // 65,536 scalars are 4 MB, here and in libtorch; a million, if a program makes so many a second, 64 MB.
                var waiting = new Quarantine(Free, static () => Environment.TickCount64, least: 1 << 16, age: 1000, most: 1 << 20);
                Waiting = waiting;
                if (!ExportedFunction.TryReplace(library, Export, (nint)(delegate* unmanaged<nint, void>)&Dispose))
                {
                    Waiting = null;
                }
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException or FileNotFoundException)
        {
            Waiting = null;
        }
    }

    private static void Free(nint scalar) => _free(scalar);

    /// <summary>What TorchSharp calls, from the finalizer's thread or from <see cref="Scalar.Dispose"/>.</summary>
    [UnmanagedCallersOnly]
    private static void Dispose(nint scalar)
    {
        if (scalar != 0)
        {
            Waiting!.Add(scalar);
        }
    }
}
