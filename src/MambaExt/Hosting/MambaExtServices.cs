using MambaExt.Distributed;
using MambaExt.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>MambaExt in a program that is put together from services.</summary>
public static class MambaExtServices
{
    /// <summary>
    /// Registers <see cref="ModelTrainer"/> and what it needs. Options are checked together: by the host at its start, and without a host
    /// when the first service is asked for. Call it once or several times; later settings win.
    /// </summary>
    /// <param name="services">The program's services</param>
    /// <param name="configure">Sets the options</param>
    public static IServiceCollection AddMambaExt(this IServiceCollection services, Action<MambaExtOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<MambaExtOptions> options = services.AddOptions<MambaExtOptions>().ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.AddLogging();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MambaExtOptions>, Validator>());
        services.TryAddSingleton(_ => Communicators.FromEnvironment());
        services.TryAddSingleton<ModelTrainer>();
        return services;
    }

    private sealed class Validator : IValidateOptions<MambaExtOptions>
    {
        public ValidateOptionsResult Validate(string? name, MambaExtOptions options) =>
            options.Problems().ToArray() is { Length: > 0 } problems ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;
    }
}
