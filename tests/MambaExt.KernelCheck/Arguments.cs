namespace MambaExt.KernelCheck;

/// <summary>What the program was asked for.</summary>
/// <param name="Command">verify, bench, repeat, start or profile</param>
/// <param name="Folder">Golden files, for verify</param>
/// <param name="Device">cpu or cuda</param>
/// <param name="Json">A file to append results to</param>
/// <param name="Most">Milliseconds that a start may take, if there is a limit</param>
internal sealed record Arguments(string Command, string? Folder, string Device, string? Json, int? Most)
{
    public const string Usage = """
        Usage: MambaExt.KernelCheck verify DIR [--device cpu|cuda] [--json FILE]    the golden files in DIR against the kernels
               MambaExt.KernelCheck bench [--json FILE]                             times on the GPU, against what its memory and units allow
               MambaExt.KernelCheck repeat [--json FILE]                            the same bits again and again, on the GPU
               MambaExt.KernelCheck profile [--json FILE]                           one training step of the largest scan, for a profiler
               MambaExt.KernelCheck start [--most MS] [--json FILE]                 time until the kernels of a training step are ready
        """;

    /// <summary>Null where something is wrong or missing.</summary>
    public static Arguments? Parse(string[] args)
    {
        string? command = null, folder = null, device = null, json = null;
        int? most = null;
        for (int i = 0; i < args.Length; i++)
        {
            string? next = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--device" when device is null && next is "cpu" or "cuda": device = next; i++; break;
                case "--json" when json is null && next is { Length: > 0 }: json = next; i++; break;
                case "--most" when most is null && command == "start" && int.TryParse(next, out int limit) && limit > 0: most = limit; i++; break;
                case ['-', ..]: return null;
                case var word when command is null: command = word; break;
                case var word when folder is null && command == "verify": folder = word; break;
                default: return null;
            }
        }

        return command switch
        {
            "verify" when folder is not null => new Arguments(command, folder, device ?? "cpu", json, null),
            "bench" or "repeat" or "start" or "profile" when device is null or "cuda" => new Arguments(command, null, "cuda", json, most),
            _ => null,
        };
    }
}
