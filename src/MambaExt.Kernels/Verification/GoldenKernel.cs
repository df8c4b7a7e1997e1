using System.Numerics;
using MambaExt.Kernels.Cuda;

namespace MambaExt.Kernels.Verification;

/// <summary>Runs a golden file of an operator on a device, in an element type, and compares.</summary>
internal static class GoldenKernel
{
    /// <summary>What the operator of a file is called, by the file's name; null where no kernel computes it.</summary>
    public static string? Operator(string path)
    {
        string name = Path.GetFileName(path);
        return Begins("scan_") || Begins("scanx_") ? "selective scan" : Begins("conv_") ? "causal conv1d" : Begins("ssd_") ? "Mamba-2 scan" : null;

        bool Begins(string prefix) => name.StartsWith(prefix, StringComparison.Ordinal);
    }

    /// <summary>On the CPU, in the type of the file.</summary>
    public static GoldenResult OnCpu(string path, KernelOptions options)
    {
        var file = new GoldenFile(path);
        return file.IsDouble ? Run<double>() : Run<float>();

        GoldenResult Run<T>()
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            using var arena = new HostArena();
            foreach (var (name, kind, values) in Compute(file, new CpuKernels<T>(options), arena, values => values).All)
            {
                file.Compare(name, values, kind);
            }

            return file.Result(Title<T>(path), options.VectorBits);
        }
    }

    /// <summary>
    /// On a GPU. A float32 or float64 file is compared with what it holds. In bfloat16 and half the sequences are rounded first, and the
    /// results compared with those of the CPU's double kernel on the same rounded sequences.
    /// </summary>
    public static GoldenResult OnGpu<T>(string path, GpuDevice device)
        where T : unmanaged
    {
        var file = new GoldenFile(path);
        using var arena = new GpuArena(device);
        var got = Compute(file, new CudaKernels<T>(device), arena, values => values).All;
        if (typeof(T) == typeof(BFloat16) || typeof(T) == typeof(Half))
        {
            using var host = new HostArena();
            var expected = Compute(file, new CpuKernels<double>(KernelOptions.Default), host, GoldenNumbers.Rounded<T>).All;
            foreach (var ((name, kind, values), (_, _, right)) in got.Zip(expected))
            {
                file.Compare(name, values, right, GoldenFile.NarrowTolerance(kind, half: typeof(T) == typeof(Half)));
            }
        }
        else
        {
            foreach (var (name, kind, values) in got)
            {
                file.Compare(name, values, kind);
            }
        }

        return file.Result(Title<T>(path), 0, device.Name);
    }

    private static GoldenTensors Compute<T>(GoldenFile file, DeviceKernels<T> kernels, GoldenArena arena, Func<double[], double[]> round)
        where T : unmanaged
    {
        var results = new GoldenTensors(file);
        var memory = new GoldenMemory<T>(file, arena, round);
        switch (Operator(file.Name))
        {
            case "selective scan": GoldenScan.Run(file, kernels, memory, results); break;
            case "causal conv1d": GoldenConv.Run(file, kernels, memory, results); break;
            default: GoldenSsd.Run(file, kernels, memory, results); break;
        }

        return results;
    }

    private static string Title<T>(string path) => $"{Operator(path)}, {typeof(T).Name.ToLowerInvariant()}";
}
