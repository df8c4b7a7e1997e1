using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace MambaExt.Native;

/// <summary>Loads libtorch before the first line of a program, so that it may touch <c>torch</c> before any MambaExt type.</summary>
internal static class LoadLibTorchAtStart
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "This file is compiled into programs only.")]
    internal static void Load() => LibTorchLoader.EnsureLoaded();
}
