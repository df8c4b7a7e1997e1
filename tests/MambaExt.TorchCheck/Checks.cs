using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.TorchCheck;

/// <summary>What must hold of TorchSharp on a libtorch, from the simplest up; each check prints a line and counts.</summary>
internal static class Checks
{
    /// <param name="golden">A folder of golden files, or null</param>
    /// <param name="json">A file to append results to, or null</param>
    /// <returns>The exit code: 0 where all that could run passed.</returns>
    public static int Run(string? golden, string? json)
    {
        int passed = 0, failed = 0, skipped = 0;
        using FileStream? file = json is null ? null : new FileStream(json, FileMode.Append, FileAccess.Write);
        try
        {
            Report("libtorch", true, torch.__version__);
        }
        catch (Exception e) when (e is NotSupportedException or DllNotFoundException or TypeInitializationException or BadImageFormatException or EntryPointNotFoundException)
        {
            Report("libtorch", false, $"does not load: {e.GetBaseException().Message.ReplaceLineEndings(" ")}");
            return Close();
        }

        foreach (var (name, check) in CpuChecks.All)
        {
            Try(name, check);
        }

        bool gpu = cuda.is_available();
        foreach (var (name, check) in CudaChecks.All.Concat(GoldenChecks.In(golden)))
        {
            if (gpu)
            {
                Try(name, check);
            }
            else
            {
                Report(name, null, "this libtorch sees no GPU");
            }
        }

        return Close();

        void Try(string name, Func<string> check)
        {
            try
            {
                using DisposeScope scope = NewDisposeScope();
                Report(name, true, check());
            }
            catch (Exception e)
            {
                // Whatever it is, the checks behind it say more.
                Report(name, false, $"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}");
            }
        }

        void Report(string name, bool? ok, string what)
        {
            _ = ok is null ? skipped++ : ok.Value ? passed++ : failed++;
            Console.WriteLine($"{(ok is null ? "skip" : ok.Value ? "pass" : "FAIL")}  {name,-44} {what}");
            if (file is not null)
            {
                using (var writer = new Utf8JsonWriter(file))
                {
                    writer.WriteStartObject();
                    writer.WriteString("kind", "torch");
                    writer.WriteString("case", name);
                    writer.WriteString("result", what);
                    if (ok is null)
                    {
                        writer.WriteNull("ok");
                    }
                    else
                    {
                        writer.WriteBoolean("ok", ok.Value);
                    }

                    writer.WriteEndObject();
                }

                file.Write("\n"u8);
                file.Flush();
            }
        }

        int Close()
        {
            Console.WriteLine($"{passed} passed, {failed} failed{(skipped > 0 ? $", {skipped} skipped" : "")}");
            return failed == 0 ? 0 : 2;
        }
    }

    /// <summary>Throws unless <paramref name="got"/> agrees with <paramref name="right"/>, relative to the largest magnitude of the latter.</summary>
    public static string Close(Tensor got, Tensor right, double tolerance, string what)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = got.detach().cpu().to_type(ScalarType.Float64), b = right.detach().cpu().to_type(ScalarType.Float64);
        double error = (a - b).abs().max().ToDouble() / Math.Max(b.abs().max().ToDouble(), 1e-30);
        return error <= tolerance ? $"{what} within {error:e1}" : throw new InvalidOperationException($"{what} is off by {error:e1}, allowed {tolerance:e0}");
    }
}
